"""`skelgait show`: pictures of a sequence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_counts, show_json

if TYPE_CHECKING:
    from skelgait.settings import Settings

_Path = Annotated[
    Path, typer.Argument(metavar="PATH", help="Sequence, or folder of sequences: poses, maps, silhouettes or pairs.")
]


@command(
    "skelgait show maps",
    "skelgait show pairs --sequence 001/nm-01/090 --frames 12",
    flags={DATA: ("show.sequence", "show.pattern", "show.frames", "show.out", "wait")},
)
def show(path: _Path, settings: Settings, as_json: Json = False) -> None:
    """Draw a sequence as contact sheet (PNG) and animation (GIF)."""
    from skelgait.viz.preview import locate, save_previews

    config = settings.show
    source, key = locate(path, config.sequence, config.pattern)
    sheet, animation = save_previews(config.out, source, key, config.frames)
    pictures = {"sheet": sheet, "animation": animation}
    if as_json:
        show_json({"sequence": str(key), "frames": source.length(key), **pictures})
    else:
        show_counts(str(key), {"frames": source.length(key), **pictures})
