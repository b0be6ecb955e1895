"""Flags generated from the settings: a dotted key gives name, type, help, choices and completion of its flag."""

from __future__ import annotations

from inspect import Parameter
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import AfterValidator, BaseModel
from pydantic.fields import FieldInfo
from rich.markup import escape

from skelgait.cli.completion import complete_run
from skelgait.errors import SettingsError
from skelgait.settings import Settings, preset_names
from skelgait.settings.types import OneOf

# The preset is no setting itself: it is where settings come from.
_PRESET = FieldInfo(
    annotation=str, default=None, description="Settings that come with skelgait; default: from dataset and network."
)
_METAVARS = {int: "<int>", float: "<float>", Path: "<path>", str: "<text>", tuple: "<list>", dict: "<group>"}


def flag(key: str, panel: str) -> Parameter:
    """Return the flag of a setting, as a function parameter that typer understands.

    Args:
        key: dotted key of the setting, or `preset`. Its last part names the flag: `train.seed` is `--seed`. If the
            last part is `name`, the part before it does: `train.network.name` is `--network`.
        panel: heading above the flag in the help.
    """
    field, values = _field(key), choices(key)
    name = key.removesuffix(".name").split(".")[-1].replace("_", "-")
    kind = _kind(field.annotation)
    option = typer.Option(
        f"--{name}/--no-{name}" if field.default is True else f"--{name}",
        help=_help(field, values),
        metavar=_metavar(field.annotation, values),
        rich_help_panel=panel,
        autocompletion=complete_run if key == "train.run_name" else lambda: list(values),
    )
    # Flags of lists and groups may be repeated.
    return _parameter(key, list[str] if kind in (tuple, dict) else kind, option)


def _metavar(annotation: Any, values: tuple[str, ...]) -> str | None:
    """Return the placeholder of a value in the help: `<name>` for a choice, `<int|auto>` if numbers are valid too."""
    kind = _kind(annotation)
    if kind is not str or not values:
        return _METAVARS.get(kind)
    numbers = [part.__name__ for part in get_args(annotation) if part in (int, float)]
    return f"<{'|'.join([*numbers, *values])}>" if numbers else "<name>"


def argument(key: str) -> Parameter:
    """Return the positional argument of a setting of type `str`, as `flag`."""
    field, values = _field(key), choices(key)
    metavar = key.split(".")[-1].upper()
    option = typer.Argument(metavar=metavar, help=_help(field, values), autocompletion=lambda: list(values))
    return _parameter(key, str, option)


def _parameter(key: str, kind: Any, option: Any) -> Parameter:
    annotation = Annotated[kind | None, option]
    return Parameter(key.replace(".", "_"), Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def description(key: str) -> str:
    """Return the description of a setting."""
    return _field(key).description or ""


def choices(key: str) -> tuple[str, ...]:
    """Return the valid values of a setting; empty if it takes any value of its type."""
    if key == "preset":
        return preset_names()
    if key in ("dataset", "evaluate.protocol"):
        from skelgait.datasets import DATASETS
        from skelgait.settings.evaluation import GENERIC_PROTOCOLS

        return (*DATASETS, *(GENERIC_PROTOCOLS if key == "evaluate.protocol" else ()))
    if key == "poses.layout":
        from skelgait.raw.poses import LAYOUTS

        return tuple(LAYOUTS)
    field = _field(key)
    return _literals(field.annotation) or _registered(field.metadata)


def parse_flag(key: str, given: Any) -> Any:
    """Return the value of a setting from what its flag was given.

    Raises:
        SettingsError: if a group is not written as `name=pattern`.
    """
    kind = _kind(_field(key).annotation)
    if kind is tuple:
        return [item for text in given for item in text.split(",")]
    if kind is dict:
        return dict(_group(key, text) for text in given)
    return given


def _field(key: str) -> FieldInfo:
    if key == "preset":
        return _PRESET
    model: type[BaseModel] = Settings
    *sections, last = key.split(".")
    for section in sections:
        annotation = model.model_fields[section].annotation
        assert isinstance(annotation, type)
        assert issubclass(annotation, BaseModel)
        model = annotation
    return model.model_fields[last]


def _kind(annotation: Any) -> type:
    """Return the plain type of a setting: `tuple` for `Annotated[tuple[str, ...], ...] | None`."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType, Annotated):
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        return type(get_args(annotation)[0])
    plain: type = origin or annotation
    return plain


def _literals(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    return tuple(value for part in get_args(annotation) for value in _literals(part))


def _registered(metadata: list[Any]) -> tuple[str, ...]:
    """Return the names in the registry that a setting is validated against."""
    validators = (entry.func for entry in metadata if isinstance(entry, AfterValidator))
    return tuple(name for validator in validators if isinstance(validator, OneOf) for name in validator.registry)


def _help(field: FieldInfo, values: tuple[str, ...]) -> str:
    """Return the description with choices and default in brackets."""
    default = field.get_default()
    has_default = default not in (None, (), {}) and not isinstance(default, bool)
    facts = [*([", ".join(values)] if values else []), *([f"default: {default}"] if has_default else [])]
    return escape(f"{field.description} [{'; '.join(facts)}]" if facts else f"{field.description}")


def _group(key: str, text: str) -> tuple[str, list[str]]:
    """Return name and patterns of `Bag=bg-*,bag-*`."""
    name, equals, patterns = text.partition("=")
    if not equals:
        raise SettingsError(f"--{key.split('.')[-1]}", text, "name=pattern", "write for example --probes 'Bag=bg-*'")
    return name, patterns.split(",")
