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
    "skelgait inspect maps --verify",
    flags={DATA: ("inspect.sequences", "inspect.names", "inspect.pictures", "inspect.out", "inspect.verify", "wait")},
)
def inspect(path: _Path, settings: Settings, as_json: Json = False) -> None:
    """Report content and problems of a path, and the next command."""
    from skelgait.inspection import inspect_path

    config = settings.inspect
    if config.verify:
        _verify(path, as_json)
        return
    result = inspect_path(path, config.sequences, config.names, config.out if config.pictures else None)
    if as_json:
        show_json({"path": path, **asdict(result)})
        return
    show_facts(f"{path}: {result.description}", result.facts)
    show_lines("Problems", result.problems or ["none found"])
    if result.next_command:
        show_lines("Next", [result.next_command])


def _verify(path: Path, as_json: bool) -> None:
    """Report the damaged data at a path; exit with code 1 if there are any."""
    from skelgait.pipelines.verify import verify_path

    result = verify_path(path)
    if as_json:
        show_json(asdict(result))
    else:
        show_facts(f"{path}: {result.headline()}", result.facts())
        show_lines("Damaged", result.damaged or ["none found"])
    if result.damaged:
        raise typer.Exit(1)
