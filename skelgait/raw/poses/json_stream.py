"""Streaming of the items of large JSON files, in bounded memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from skelgait.errors import DataError

_CHUNK_BYTES = 1 << 20
_SPACE = re.compile(r"\s*")
_EXPECTED = "a JSON file"
_HINT = "export the poses again"

ReadBytes = Callable[[int], None]
"""Callback for the number of bytes that have been read since the last call."""


class Item(NamedTuple):
    """Item of the top level of a JSON file.

    Attributes:
        key: key of an object, or of the list in an object that has the item; None: the top level is a list.
        value: decoded item.
    """

    key: str | None
    value: Any


def iter_items(path: Path) -> Iterator[Item]:
    """Yield the items of the list, or of the object, in a JSON file.

    Lists in an object are not decoded at once: each of their items is yielded with the key of the list.

    Raises:
        DataError: if the file cannot be read, is empty, or is not JSON.
    """
    try:
        with path.open("rb") as file:
            yield from _Scanner(file).items()
    except OSError as error:
        raise DataError(path, error.strerror or str(error), _EXPECTED, "check the path") from error
    except _EmptyFileError as error:
        raise DataError(path, "an empty file", _EXPECTED, _HINT) from error
    except (ValueError, RecursionError) as error:
        raise DataError(path, f"invalid JSON ({error})", _EXPECTED, _HINT) from error


class _EmptyFileError(Exception):
    """File without content."""


class _Scanner:
    """Position in the text of a file; text that was decoded is dropped."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._decoder = json.JSONDecoder()
        self._text, self._start, self._is_end, self._offset = "", 0, False, 0

    def items(self) -> Iterator[Item]:
        """Yield the items of the top level."""
        first = self._next()
        if not first:
            raise _EmptyFileError
        if first == "[":
            yield from (Item(None, value) for value in self._list())
        elif first == "{":
            yield from self._object()
        else:
            yield Item(None, self._value())
        if self._next():
            raise ValueError(f"extra data at byte {self._byte()}")

    def _object(self) -> Iterator[Item]:
        self._start += 1
        if self._next() == "}":
            self._start += 1
            return
        while True:
            if self._next() != '"':
                raise ValueError(f"no key at byte {self._byte()}")
            key = self._value()
            self._expect(":")
            if self._next() == "[":
                yield from (Item(key, value) for value in self._list())
            else:
                yield Item(key, self._value())
            if self._expect(",}") == "}":
                return

    def _list(self) -> Iterator[Any]:
        self._start += 1
        if self._next() == "]":
            self._start += 1
            return
        while True:
            self._next()
            yield self._value()
            if self._expect(",]") == "]":
                return

    def _expect(self, characters: str) -> str:
        character = self._next()
        if not character or character not in characters:
            raise ValueError(f"{character or 'the end'} instead of {' or '.join(characters)} at byte {self._byte()}")
        self._start += 1
        return character

    def _next(self) -> str:
        """Skip white space; return the next character, empty at the end."""
        while True:
            self._start = _SPACE.match(self._text, self._start).end()  # type: ignore[union-attr]
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._read(_CHUNK_BYTES):
                return ""

    def _value(self) -> Any:
        """Decode the next value."""
        size = _CHUNK_BYTES
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._start)
            except ValueError:
                if not self._read(size):
                    raise
            else:
                # A number at the end of the text may continue in the next chunk.
                if end < len(self._text) or not self._read(size):
                    self._start = end
                    return value
            size *= 2

    def _read(self, size: int) -> bool:
        """Read more text; return False at the end of the file."""
        if self._is_end:
            return False
        chunk = self._file.read(size)
        self._is_end = not chunk
        self._offset += self._start
        self._text = self._text[self._start :] + self._decode(chunk, self._is_end)
        self._start = 0
        return True

    def _byte(self) -> int:
        return self._offset + self._start
