"""Parts of large JSON files: the items of each sequence, by their place in the file.

A file with the sequences of a whole dataset is scanned once, without decoding its items. Each sequence is then read
from its part of the file. Every item is decoded once, and memory holds one sequence at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skelgait.errors import reading
from skelgait.raw.keys import PathParts
from skelgait.raw.poses.json_stream import Item, Span

LARGE_BYTES = 32 << 20
"""Size from which files are read in parts."""
_HINT = "run the command again"


class PartBuilder:
    """Spans of the items of each sequence; neighboring items of a sequence become one span."""

    def __init__(self) -> None:
        self.spans: dict[PathParts, list[Span]] = {}
        self._last: tuple[PathParts, str | None] | None = None

    def add(self, folders: PathParts, span: Span) -> None:
        """Add the next item of the file to a sequence."""
        spans = self.spans.setdefault(folders, [])
        if self._last == (folders, span.key):
            spans[-1] = spans[-1]._replace(end=span.end)
        else:
            spans.append(span)
        self._last = folders, span.key


def is_large(path: Path) -> bool:
    """Return True for a file that is read in parts."""
    try:
        return path.stat().st_size >= LARGE_BYTES
    except OSError:
        return False


def read_spans(path: Path, spans: Sequence[Span]) -> Iterator[Item]:
    """Yield the items of a part of a file.

    Raises:
        DataError: if the file cannot be read, or has changed.
    """
    with reading(path, "an unchanged file", _HINT, "that the file has changed"), path.open("rb") as file:
        for key, start, end in spans:
            file.seek(start)
            yield from (Item(key, value) for value in json.loads(b"[" + file.read(end - start) + b"]"))


def field_value(text: str, name: str) -> Any:
    """Return the value of a field in the text of an item, a number or a text; None if it has none.

    Args:
        text: bytes of the item as text in the encoding Latin-1.
        name: name of the field.
    """
    match = re.search(rf'"{name}"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)', text)
    return json.loads(match.group(1).encode("latin-1").decode()) if match else None
