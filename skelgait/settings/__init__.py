"""Settings of all commands, and the sources that they are read from.

The names below are imported on first use, because help texts need the schema, but no YAML.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skelgait.settings.layers import Resolved, explain, load_settings, parse_assignment
    from skelgait.settings.presets import preset_names
    from skelgait.settings.protocol_file import protocol_to_yaml, read_protocol
    from skelgait.settings.schema import Settings

__all__ = [
    "Resolved", "Settings", "explain", "load_settings", "parse_assignment", "preset_names", "protocol_to_yaml",
    "read_protocol",
]  # fmt: skip

_MODULES = {
    "layers": ("Resolved", "explain", "load_settings", "parse_assignment"),
    "presets": ("preset_names",),
    "protocol_file": ("protocol_to_yaml", "read_protocol"),
    "schema": ("Settings",),
}


def __getattr__(name: str) -> Any:
    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"skelgait.settings.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'skelgait.settings' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
