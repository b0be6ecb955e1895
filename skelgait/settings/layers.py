"""Settings in layers: preset, settings file, environment, flags; the later one wins, key by key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from skelgait.datasets import find
from skelgait.errors import SettingsError
from skelgait.opengait.settings import is_opengait_dialect, translate
from skelgait.settings.evaluation import is_protocol_file
from skelgait.settings.presets import preset_names, read_preset
from skelgait.settings.problems import InvalidSettingsError, problems_of, section_models
from skelgait.settings.schema import PathsSettings, Settings
from skelgait.settings.yaml_files import parse_value, read_yaml

DEFAULT_FILE = "skelgait.yaml"
_PREFIX = "SKELGAIT_"
_PATHS = (
    *(f"paths.{name}" for name in PathsSettings.model_fields),
    "partition",
    "evaluate.checkpoint",
    "evaluate.submission",
)
_NETWORK = "train.network.name"
_PROTOCOL = "evaluate.protocol"


@dataclass(frozen=True)
class Resolved:
    """Settings, and how they came about.

    Attributes:
        settings: all settings.
        origins: by dotted key where a value came from; keys that are not there have their default.
        warnings: what was read but does nothing.
    """

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()


def load_settings(
    *,
    file: Path | None = None,
    preset: str | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    default_file: Path | None = Path(DEFAULT_FILE),
) -> Resolved:
    """Resolve the settings: preset < settings file < environment < flags.

    Args:
        file: the settings file, in skelgait's form or OpenGait.
        preset: name of the preset; where None it comes from SKELGAIT_PRESET, the key `preset` of the settings
            file, or follows from dataset and network.
        flags: values by dotted key.
        environ: the environment; the process's own where None.
        default_file: read where `file` is None and it is there.

    Raises:
        SettingsError: a file cannot be read, or some keys or values are not usable (all of them are named).
    """
    if file is None and default_file is not None and default_file.is_file():
        file = default_file
    from_file, warnings = _read_file(file) if file else ({}, [])
    from_environment = dict(_environment(os.environ if environ is None else environ))
    layers = [from_file, from_environment, {key: (value, "flag") for key, value in _flat(flags or {})}]
    named = [layer.pop("preset", None) for layer in layers]
    given = {key: entry for layer in layers for key, entry in layer.items()}
    name = preset or next((str(entry[0]) for entry in reversed(named) if entry), None) or _inferred_preset(given)
    if name is not None:
        origin = f"preset {name}"
        given = {**{key: (value, origin) for key, value in _flat(read_preset(name))}, **given}
    try:
        settings = Settings.model_validate(_nested({key: value for key, (value, _) in given.items()}))
    except ValidationError as error:
        problems = problems_of(error, {key: origin for key, (_, origin) in given.items()})
        raise InvalidSettingsError("settings", problems) from error
    return Resolved(settings, {key: origin for key, (_, origin) in given.items()}, tuple(warnings))


def parse_assignment(text: str) -> tuple[str, object]:
    """Split `train.optimizer.learning_rate=0.05` into the dotted key and its value.

    Raises:
        SettingsError: there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise SettingsError("--set", text, "key=value", "write for example --set train.seed=1")
    return key.strip(), parse_value(value)


def _read_file(file: Path) -> tuple[dict[str, tuple[object, str]], list[str]]:
    content = read_yaml(file)
    warnings: list[str] = []
    if is_opengait_dialect(content):
        content, warnings = translate(content, str(file))
    layer = {key: (value, str(file)) for key, value in _flat(content)}
    for key in _PATHS:
        value = layer.get(key, (None,))[0]
        if isinstance(value, str):
            # A path in a file means the same from wherever the command runs.
            layer[key] = (file.parent / value, str(file))
    protocol = layer.get(_PROTOCOL, (None,))[0]
    if isinstance(protocol, str) and is_protocol_file(protocol):
        layer[_PROTOCOL] = (str(file.parent / protocol), str(file))
    return layer, warnings


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[str, tuple[object, str]]]:
    for name in sorted(environ):
        if name.startswith(_PREFIX):
            key = name.removeprefix(_PREFIX).lower().replace("__", ".")
            for dotted, value in _flat({key: parse_value(environ[name])}):
                yield dotted, (value, name)


def _inferred_preset(given: Mapping[str, tuple[object, str]]) -> str | None:
    """The preset of the given dataset and network, if there is one."""
    if "dataset" not in given:
        return None
    network = given[_NETWORK][0] if _NETWORK in given else Settings().train.network.name
    try:
        name = f"{network}_{find(str(given['dataset'][0])).name}"
    except SettingsError:  # named with all other problems when the settings are checked
        return None
    return name if name in preset_names() else None


def _flat(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Dotted keys and values; mappings are opened as far as the schema has sections."""
    for key, value in content.items():
        dotted = f"{prefix}{key}"
        if dotted in section_models() and (value is None or isinstance(value, Mapping)):
            # A section that is written down but empty gives nothing.
            yield from _flat(value or {}, f"{dotted}.")
        else:
            yield dotted, value


def _nested(flat: Mapping[str, object]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for dotted, value in flat.items():
        *sections, last = dotted.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
            if not isinstance(place, dict):
                raise SettingsError(dotted, "a value where a section is", "one of the two", "leave one of them out")
        place[last] = value
    return nested


def explain(resolved: Resolved, section: str | None = None) -> list[tuple[str, object, str]]:
    """Every setting, its value and where it comes from.

    Args:
        resolved: the settings.
        section: only the workspace and this command's settings; all where None.

    Raises:
        SettingsError: no command is called `section`.
    """
    commands = [name for name in section_models() if "." not in name and name != "paths"]
    if section is not None and section not in commands:
        raise SettingsError("skelgait config", section, f"one of {', '.join(commands)}", "name a command")
    rows = _rows(resolved.settings, resolved.origins, "")
    return [row for row in rows if "." not in row[0] or section is None or row[0].split(".")[0] in ("paths", section)]


def _rows(model: BaseModel, origins: Mapping[str, str], prefix: str) -> list[tuple[str, object, str]]:
    rows: list[tuple[str, object, str]] = []
    for name in type(model).model_fields:
        value, key = getattr(model, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            rows += _rows(value, origins, f"{key}.")
        else:
            rows.append((key, value, origins.get(key, "default")))
    return rows
