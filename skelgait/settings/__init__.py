"""Settings of all commands, and the sources that they are read from.

The names below are imported on first use, because help texts need the schema, but no YAML.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait import _lazy

if TYPE_CHECKING:
    from skelgait.settings.layers import Resolved, explain, load_settings, parse_assignment
    from skelgait.settings.presets import preset_names
    from skelgait.settings.protocol_file import protocol_to_yaml, read_protocol
    from skelgait.settings.schema import Settings

__all__ = [
    "Resolved", "Settings", "explain", "load_settings", "parse_assignment", "preset_names", "protocol_to_yaml",
    "read_protocol",
]  # fmt: skip

# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "Resolved": "layers",
            "Settings": "schema",
            "explain": "layers",
            "load_settings": "layers",
            "parse_assignment": "layers",
            "preset_names": "presets",
            "protocol_to_yaml": "protocol_file",
            "read_protocol": "protocol_file",
        },
    )
