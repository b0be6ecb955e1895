"""Settings of all commands, and the sources that they are read from."""

from skelgait.settings.layers import Resolved, explain, load_settings, parse_assignment
from skelgait.settings.presets import preset_names
from skelgait.settings.protocol_file import protocol_to_yaml, read_protocol
from skelgait.settings.schema import Settings

__all__ = [
    "Resolved", "Settings", "explain", "load_settings", "parse_assignment", "preset_names", "protocol_to_yaml",
    "read_protocol",
]  # fmt: skip
