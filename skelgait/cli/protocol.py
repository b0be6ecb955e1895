"""`skelgait protocol`: evaluation protocols as YAML."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from skelgait.cli.command import Json, command
from skelgait.cli.output import show_json, show_text

if TYPE_CHECKING:
    from skelgait.settings import Settings


@command(
    "skelgait protocol Gait3D > my-protocol.yaml",
    "skelgait protocol my-protocol.yaml",
    arguments=("evaluate.protocol",),
)
def protocol(settings: Settings, as_json: Json = False) -> None:
    """Print a protocol as YAML, as a check or a template.

    Edit the output to define your own protocol, and pass the file to `skelgait evaluate --protocol`.
    """
    from skelgait.pipelines.workspace import protocol_of
    from skelgait.settings import protocol_to_yaml

    result = protocol_of(settings)
    if as_json:
        show_json(asdict(result))
    else:
        show_text(protocol_to_yaml(result).removesuffix("\n"))
