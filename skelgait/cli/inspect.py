"""`skelgait inspect`: what a file or a folder is, what would fail, and what to run next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_facts, show_json, show_lines


def inspect(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A file or a folder: of a dataset, an estimator, or of skelgait.")],
    sequences: Annotated[int | None, options.field("inspect.sequences")] = None,
    names: Annotated[str | None, options.field("inspect.names")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Say what lies at a path, what would fail, and which command to run next."""
    chosen = options.resolve(ctx, "inspect").inspect

    from skelgait.inspection import inspect_path

    found = inspect_path(path, chosen.sequences, chosen.names)
    if as_json:
        show_json({"path": path, **asdict(found)})
        return
    show_facts(f"{path}: {found.description}", found.facts)
    show_lines("What would fail", found.problems or ["nothing that was seen"])
    if found.next_command:
        show_lines("Next", [found.next_command])
