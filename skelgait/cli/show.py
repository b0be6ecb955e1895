"""`skelgait show`: pictures of a sequence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json


def show(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="A sequence's folder or file, or a store: poses, maps, pairs, ...")],
    sequence: Annotated[str | None, options.field("show.sequence")] = None,
    pattern: Annotated[str | None, options.field("show.pattern")] = None,
    frames: Annotated[int | None, options.field("show.frames")] = None,
    out: Annotated[Path | None, options.field("show.out")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Make a sheet (PNG) and an animation (GIF) of a sequence: limbs, joints, both, and the silhouette."""
    chosen = options.resolve(ctx, "show").show

    from skelgait.viz.preview import locate, save_previews

    source, key = locate(path, chosen.sequence, chosen.pattern)
    sheet, animation = save_previews(chosen.out, source, key, chosen.frames)
    pictures = {"sheet": sheet, "animation": animation}
    if as_json:
        show_json({"sequence": str(key), "frames": source.length(key), **pictures})
    else:
        show_counts(str(key), {"frames": source.length(key), **pictures})
