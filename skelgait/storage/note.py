"""What a folder of maps says of itself: where they come from and how they are drawn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from skelgait import __version__
from skelgait.errors import DataError
from skelgait.storage.atomic import write_text

NOTE = "skelgait.json"


class Note(NamedTuple):
    """The note in a folder of maps.

    Attributes:
        source: where the poses lie.
        settings: how the maps are drawn.
        is_being_cleared: whether maps of earlier settings may still lie there.
    """

    source: str
    settings: Mapping[str, object]
    is_being_cleared: bool = False


def read_note(folder: Path) -> Note | None:
    """The note in `folder`, if there is one.

    Raises:
        DataError: it is damaged.
    """
    path = folder / NOTE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Note(str(content["source"]), dict(content["settings"]), bool(content.get("is_being_cleared")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        mend = "remove it, or use --overwrite to draw all maps again"
        raise DataError(path, f"a damaged file ({error!r})", "the settings of the maps beside it", mend) from error


def write_note(folder: Path, note: Note) -> None:
    """Write the note of `folder`.

    Raises:
        DataError: it cannot be written.
    """
    content: dict[str, object] = {"version": __version__, "source": note.source, "settings": note.settings}
    if note.is_being_cleared:
        content["is_being_cleared"] = True
    write_text(folder / NOTE, json.dumps(content, indent=1) + "\n")
