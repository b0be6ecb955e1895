"""Presets: settings files that come with skelgait."""

from __future__ import annotations

from copy import deepcopy
from difflib import get_close_matches
from functools import cache
from importlib.resources import as_file, files
from typing import Any

from skelgait.errors import SettingsError


@cache
def preset_names() -> tuple[str, ...]:
    """Return the names of all presets, sorted."""
    entries = files("skelgait.settings.presets").iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def read_preset(name: str) -> dict[str, Any]:
    """Return the settings of a preset.

    Raises:
        SettingsError: if there is no such preset; names the most similar one.
    """
    if name not in preset_names():
        near = get_close_matches(name, preset_names(), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "choose one of them"
        raise SettingsError("--preset", name, f"one of {', '.join(preset_names())}", hint)
    return deepcopy(_content(name))


@cache
def _content(name: str) -> dict[str, Any]:
    from skelgait.storage.yaml_files import read_yaml

    with as_file(files("skelgait.settings.presets").joinpath(f"{name}.yaml")) as path:
        return read_yaml(path)
