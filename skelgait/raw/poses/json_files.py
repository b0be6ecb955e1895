"""JSON files of other programs: whole files, and the beginning of large ones."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from skelgait.errors import DataError, reading

_EXPECTED = "a JSON file"
_HINT = "export the poses again"
# Larger files are recognized by the beginning of their lists.
_SMALL_BYTES = 4 << 20
_PEEKED_ITEMS = 20
_SPACE = re.compile(r"[\s,]*")
_KEY = re.compile(r'[\s,]*("(?:[^"\\]|\\.)*")\s*:\s*')
# Files that are looked at to recognize a layout.
_SAMPLED_FILES = 20


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        DataError: if it cannot be read, is empty, or is not JSON.
    """
    with reading(path, _EXPECTED, _HINT, "invalid JSON"):
        text = path.read_bytes()
        if not text.strip():
            raise DataError(path, "an empty file", _EXPECTED, _HINT)
        return json.loads(text)


def peek_json(path: Path) -> Any:
    """Read a small JSON file, or the first items of the lists in a large one.

    Raises:
        DataError: if it cannot be read, is empty, or is not JSON.
    """
    with reading(path, _EXPECTED, _HINT):
        stat = path.stat()
    return _peek(path, stat.st_size, stat.st_mtime_ns)


def any_json(sample: Sequence[Path], matches: Callable[[Any], bool]) -> bool:
    """Return True if one of the first readable JSON files of a sample has content that matches."""
    return any(map(matches, _contents(sample)))


def _contents(sample: Sequence[Path]) -> Iterator[Any]:
    files = [path for path in sample if path.suffix.lower() == ".json" and _size(path) > 0]
    for path in files[:_SAMPLED_FILES]:
        try:
            content = peek_json(path)
        except DataError:  # reported when the file is read
            continue
        yield content


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


@lru_cache(maxsize=2 * _SAMPLED_FILES)
def _peek(path: Path, size: int, _modified_ns: int) -> Any:
    if size <= _SMALL_BYTES:
        return read_json(path)
    with reading(path, _EXPECTED, _HINT, "invalid JSON"):
        with path.open("rb") as file:
            text = file.read(_SMALL_BYTES).decode(errors="ignore")
        return _first_items(text)


def _first_items(text: str) -> Any:
    """Decode the first items of a list, or the values of an object up to its first list that is not complete."""
    start = _SPACE.match(text).end()  # type: ignore[union-attr]
    if text[start : start + 1] == "[":
        return _list_items(text, start + 1)[0]
    decoder, position, content = json.JSONDecoder(), start + 1, {}
    while match := _KEY.match(text, position):
        key, position = json.loads(match.group(1)), match.end()
        try:
            content[key], position = decoder.raw_decode(text, position)
        except ValueError:
            if text[position : position + 1] == "[":
                content[key] = _list_items(text, position + 1)[0]
            break
    return content


def _list_items(text: str, position: int) -> tuple[list[Any], int]:
    decoder, items = json.JSONDecoder(), list[Any]()
    while len(items) < _PEEKED_ITEMS:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]
        if text[position : position + 1] in ("]", ""):
            break
        try:
            item, position = decoder.raw_decode(text, position)
        except ValueError:
            if items:
                break
            raise
        items.append(item)
    return items, position
