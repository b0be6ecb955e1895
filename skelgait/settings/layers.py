"""Settings from several sources: preset < settings file < environment < flags; the later one wins, key by key."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from skelgait.datasets import find_dataset
from skelgait.errors import PathLike, SettingsError
from skelgait.opengait.settings import is_opengait_dialect, translate
from skelgait.settings.dotted import flatten, leaves, nest
from skelgait.settings.evaluation import is_protocol_file
from skelgait.settings.presets import preset_names, read_preset
from skelgait.settings.problems import InvalidSettingsError, problems_of, section_models
from skelgait.settings.schema import PathsSettings, Settings
from skelgait.storage.yaml_files import parse_value, read_yaml

DEFAULT_FILE = "skelgait.yaml"
_PREFIX = "SKELGAIT_"
_PATHS = (
    *(f"paths.{name}" for name in PathsSettings.model_fields),
    "partition", "evaluate.checkpoint", "evaluate.submission",
)  # fmt: skip
_PRESET = "preset"
_NETWORK = "train.network.name"
_PROTOCOL = "evaluate.protocol"

FLAG = "flag"
"""Origin of settings given as flags."""

Layer = dict[str, tuple[object, str]]
"""Value and origin by dotted key."""


@dataclass(frozen=True)
class Resolved:
    """Settings with the origin of each value.

    Attributes:
        settings: all settings.
        origins: origin by dotted key, and that of `preset` if it was given; other keys have their default.
        warnings: one line per key that was read but has no effect.
    """

    settings: Settings
    origins: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    def is_flag(self, key: str) -> bool:
        """Return True if a setting, a key inside it, or `preset` was given as a flag."""
        return any(origin == FLAG and f"{name}.".startswith(f"{key}.") for name, origin in self.origins.items())

    def requested_network(self) -> dict[str, object]:
        """Return the sizes and the name of the network that flags ask for: `--network`, `--preset` and `--set`."""
        sizes = self.settings.train.network.model_dump(exclude={"test_embedding"})
        by_preset = self.is_flag(_PRESET)
        return {name: value for name, value in sizes.items() if by_preset or self.is_flag(f"train.network.{name}")}


def load_settings(
    *,
    file: PathLike | None = None,
    preset: str | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    default_file: PathLike | None = DEFAULT_FILE,
) -> Resolved:
    """Resolve the settings: preset < settings file < environment < flags.

    Args:
        file: settings file of skelgait or OpenGait; default: `default_file`, if it exists.
        preset: name of the preset; default: the key `preset` of flags, environment or file, else the preset of the
            dataset and network, if there is one.
        flags: values by dotted key.
        environ: environment variables; default: those of the process.
        default_file: settings file to read if `file` is None; None: no file.

    Raises:
        SettingsError: if a file cannot be read, or keys or values are invalid; names all of them.
    """
    if file is None and default_file is not None and Path(default_file).is_file():
        file = default_file
    file_layer, warnings = _read_file(Path(file)) if file else ({}, [])
    flag_layer = {key: (value, FLAG) for key, value in flatten(flags or {})}
    given = {**file_layer, **_read_environment(os.environ if environ is None else environ), **flag_layer}
    given_preset, preset_origin = given.pop(_PRESET, (None, ""))
    preset = preset or (str(given_preset) if given_preset else _default_preset(given))
    if preset is not None:
        preset_layer = {key: (value, f"preset {preset}") for key, value in flatten(read_preset(preset))}
        given = {**preset_layer, **given}
    values = {key: value for key, (value, _) in given.items()}
    origins = {key: origin for key, (_, origin) in given.items()}
    if given_preset:
        origins[_PRESET] = preset_origin
    return Resolved(validate(nest(values), origins), origins, tuple(warnings))


def validate(content: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    """Return the settings with the given content.

    Args:
        content: nested mapping of settings.
        origins: origin by dotted key, for error messages.

    Raises:
        SettingsError: if keys or values are invalid; names all of them.
    """
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise InvalidSettingsError("settings", problems_of(error, origins)) from error


def parse_assignment(text: str) -> tuple[str, object]:
    """Split `train.optimizer.learning_rate=0.05` into the dotted key and its value.

    Raises:
        SettingsError: if there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals:
        raise SettingsError("--set", text, "key=value", "write for example --set train.seed=1")
    return key.strip(), parse_value(value)


def explain(resolved: Resolved, section: str | None = None) -> list[tuple[str, object, str]]:
    """Return key, value and origin of every setting.

    Args:
        resolved: the settings.
        section: name of a command; restricts the list to its settings and those of the workspace. None: all.

    Raises:
        SettingsError: if there is no command `section`.
    """
    commands = [name for name in section_models() if "." not in name and name != "paths"]
    if section is not None and section not in commands:
        raise SettingsError("skelgait config", section, f"one of {', '.join(commands)}", "name a command")
    shown = {"paths", section}
    return [
        (key, value, resolved.origins.get(key, "default"))
        for key, value in leaves(resolved.settings)
        if section is None or "." not in key or key.split(".")[0] in shown
    ]


def _read_file(file: Path) -> tuple[Layer, list[str]]:
    """Return the settings in a file, and warnings about keys without effect."""
    content = read_yaml(file)
    warnings: list[str] = []
    if is_opengait_dialect(content):
        content, warnings = translate(content, str(file))
    layer: Layer = {key: (value, str(file)) for key, value in flatten(content)}
    # A relative path in a file is relative to that file.
    for key in _PATHS:
        value = layer.get(key, (None,))[0]
        if isinstance(value, str):
            layer[key] = (file.parent / value, str(file))
    protocol = layer.get(_PROTOCOL, (None,))[0]
    if isinstance(protocol, str) and is_protocol_file(protocol):
        layer[_PROTOCOL] = (str(file.parent / protocol), str(file))
    return layer, warnings


def _read_environment(environ: Mapping[str, str]) -> Layer:
    """Return the settings in environment variables such as SKELGAIT_TRAIN__SEED."""
    layer: Layer = {}
    for name in sorted(environ):
        if name.startswith(_PREFIX):
            key = name.removeprefix(_PREFIX).lower().replace("__", ".")
            layer |= {dotted: (value, name) for dotted, value in flatten({key: parse_value(environ[name])})}
    return layer


def _default_preset(given: Layer) -> str | None:
    """Return the preset of the given dataset and network; None if there is none."""
    if "dataset" not in given:
        return None
    network = given[_NETWORK][0] if _NETWORK in given else Settings().train.network.name
    try:
        name = f"{network}_{find_dataset(str(given['dataset'][0])).name}"
    except SettingsError:  # an unknown dataset is reported with all other problems
        return None
    return name if name in preset_names() else None
