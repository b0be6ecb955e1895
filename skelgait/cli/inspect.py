"""`skelgait inspect`: content and problems of a file or folder."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_facts, show_json, show_lines

if TYPE_CHECKING:
    from skelgait.settings import Settings

_Path = Annotated[
    Path, typer.Argument(metavar="PATH", help="File or folder of a dataset, a pose estimator or skelgait.")
]


@command(
    "skelgait inspect /data/SUSTech1K",
    "skelgait inspect alphapose --pictures",
    flags={DATA: ("inspect.sequences", "inspect.names", "inspect.pictures", "inspect.out", "wait")},
)
def inspect(path: _Path, settings: Settings, as_json: Json = False) -> None:
    """Report content and problems of a path, and the next command."""
    from skelgait.inspection import inspect_path

    config = settings.inspect
    result = inspect_path(path, config.sequences, config.names, config.out if config.pictures else None)
    if as_json:
        show_json({"path": path, **asdict(result)})
        return
    show_facts(f"{path}: {result.description}", result.facts)
    show_lines("Problems", result.problems or ["none found"])
    if result.next_command:
        show_lines("Next", [result.next_command])
