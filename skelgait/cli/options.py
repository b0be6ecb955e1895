"""Flags: their help and defaults come from the settings, so that both are written once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

import typer
from pydantic import AfterValidator, BaseModel

from skelgait.errors import SettingsError
from skelgait.settings.schema import PathsSettings, Settings
from skelgait.settings.types import OneOf

if TYPE_CHECKING:
    from skelgait.settings import Resolved


def field(key: str, *names: str) -> Any:
    """The flag of a setting.

    Args:
        key: the setting's dotted key; its last part names the flag unless `names` do.
        names: spellings of the flag.
    """
    model: type[BaseModel] = Settings
    *sections, last = key.split(".")
    for section in sections:
        annotation = model.model_fields[section].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            raise KeyError(key)
        model = annotation
    info = model.model_fields[last]
    default = info.get_default(call_default_factory=False)
    shown = False if default in (None, (), {}) or isinstance(default, bool) else str(default)
    spellings = names or (f"--{last.replace('_', '-')}",)
    choices = _choices(info.annotation) or _registered(info.metadata)
    metavar = f"[{'|'.join(choices)}]" if choices else None
    return typer.Option(*spellings, help=info.description, show_default=shown, metavar=metavar)


def _choices(annotation: Any) -> list[str]:
    """The values that a setting may have, where they are few; none for flags without a value, and for others."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def _registered(metadata: list[Any]) -> list[str]:
    """Return the names in the registry that a setting is validated against."""
    validators = [entry.func for entry in metadata if isinstance(entry, AfterValidator)]
    return [name for validator in validators if isinstance(validator, OneOf) for name in validator.registry]


Dataset = Annotated[str | None, field("dataset")]
Poses = Annotated[Path | None, field("paths.poses", "--poses")]
Silhouettes = Annotated[Path | None, field("paths.silhouettes", "--silhouettes")]
Maps = Annotated[Path | None, field("paths.maps", "--maps")]
Pairs = Annotated[Path | None, field("paths.pairs", "--pairs")]
Runs = Annotated[Path | None, field("paths.runs", "--runs")]
Partition = Annotated[Path | None, field("partition")]
Network = Annotated[str | None, field("train.network.name", "--network")]
Run = Annotated[str | None, field("train.run_name", "--run-name")]
Preset = Annotated[
    str | None, typer.Option("--preset", help="Settings that come with skelgait; follow from dataset and network.")
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="Settings file, skelgait or OpenGait; skelgait.yaml where not given.")
]
Assignments = Annotated[
    list[str], typer.Option("--set", help="Any setting, as train.optimizer.learning_rate=0.05; may be given again.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]

_ROOT = tuple(Settings.model_fields)
_PATHS = tuple(PathsSettings.model_fields)
_ELSEWHERE = {"network": "train.network.name", "run": "train.run_name", **{name: f"paths.{name}" for name in _PATHS}}


def resolve(ctx: typer.Context, section: str) -> Settings:
    """The settings of a command: preset, settings file, environment, and the flags that were given.

    A parameter of the command is the setting of the same name, at the root or in the command's section.

    Args:
        ctx: the running command.
        section: the command's section.

    Raises:
        SettingsError: some setting cannot be used.
    """
    return resolve_with_sources(ctx, section).settings


def resolve_with_sources(ctx: typer.Context, section: str) -> Resolved:
    """As `resolve`, with where each value comes from; warnings go to stderr."""
    from skelgait.cli.output import warn
    from skelgait.settings import load_settings, parse_assignment
    from skelgait.settings.problems import section_models

    model = section_models().get(section)
    known = {*_ROOT, *(model.model_fields if model else ())}
    flags = {
        _ELSEWHERE.get(name, name if name in _ROOT else f"{section}.{name}"): value
        for name, value in ctx.params.items()
        if value not in (None, [], ()) and (name in known or name in _ELSEWHERE)
    }
    if "evaluate.gallery" in flags:
        flags["evaluate.gallery"] = [pattern for text in ctx.params["gallery"] for pattern in text.split(",")]
    if "evaluate.probes" in flags:
        flags["evaluate.probes"] = dict(map(_probe_group, ctx.params["probes"]))
    flags.update(map(parse_assignment, ctx.params.get("assignments") or []))
    resolved = load_settings(file=ctx.params.get("settings"), preset=ctx.params.get("preset"), flags=flags)
    warn(resolved.warnings, at_most=None)
    return resolved


def _probe_group(text: str) -> tuple[str, list[str]]:
    """`Bag=bg-*,bag-*` as the group's name and its patterns."""
    name, equals, patterns = text.partition("=")
    if not equals:
        raise SettingsError("--probes", text, "name=pattern", "write for example --probes 'Bag=bg-*'")
    return name, patterns.split(",")
