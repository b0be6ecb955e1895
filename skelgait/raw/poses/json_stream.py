"""Streaming of the items of large JSON files, in bounded memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from skelgait.errors import DataError, reading

_CHUNK_BYTES = 1 << 20
# An object without objects in it, or with objects that have none, such as a segmentation; its texts have neither
# braces nor backslashes.
_FLAT = r'[^{}"]*(?:"[^"\\{}]*"[^{}"]*)*'
_OBJECT = re.compile(rf"\{{{_FLAT}(?:\{{{_FLAT}\}}{_FLAT})*\}}")
_NUMBER_END = re.compile(r"[-+.eE0-9]*")
_SPACE = re.compile(r"\s*")
_EXPECTED = "a JSON file"
_HINT = "export the poses again"


def _no_progress(_n_bytes: int) -> None:
    """Ignore progress."""


_advance: ContextVar[Callable[[int], None]] = ContextVar("advance", default=_no_progress)


class Item(NamedTuple):
    """Item of the top level of a JSON file.

    Attributes:
        key: key of an object, or of the list in an object that has the item; None: the top level is a list.
        value: decoded item.
    """

    key: str | None
    value: Any


class Span(NamedTuple):
    """Place of an item, or of neighboring items, in a file.

    Attributes:
        key: key of their list; None: the file is a list.
        start: offset of the first byte.
        end: offset behind the last byte.
    """

    key: str | None
    start: int
    end: int


@contextmanager
def report_bytes(advance: Callable[[int], None]) -> Iterator[None]:
    """Call `advance` with the numbers of bytes that are read from JSON files while the block runs."""
    token = _advance.set(advance)
    try:
        yield
    finally:
        _advance.reset(token)


def iter_spans(path: Path) -> Iterator[tuple[Span, str]]:
    """Yield the place and the text of each item of the lists in a JSON file, without decoding it.

    Args:
        path: file with a list, or an object with lists.

    Yields:
        The place, and the bytes as text in the encoding Latin-1.

    Raises:
        DataError: if the file cannot be read or is not JSON.
    """
    with _scan(path, "latin-1") as scanner:
        yield from scanner.spans()


def iter_items(path: Path) -> Iterator[Item]:
    """Yield the items of the list, or of the object, in a JSON file.

    Lists in an object are not decoded at once: each of their items is yielded with the key of the list.

    Raises:
        DataError: if the file cannot be read, is empty, or is not JSON.
    """
    with _scan(path, "utf-8-sig") as scanner:
        yield from scanner.items()


@contextmanager
def _scan(path: Path, encoding: str) -> Iterator[_Scanner]:
    """Open a file and return its scanner; turn faults of the file into a `DataError`."""
    with reading(path, _EXPECTED, _HINT, "invalid JSON"), path.open("rb") as file:
        try:
            yield _Scanner(file, encoding)
        except _EmptyFileError as error:
            raise DataError(path, "an empty file", _EXPECTED, _HINT) from error


class _EmptyFileError(Exception):
    """File without content."""


class _Scanner:
    """Position in the text of a file; text that was decoded is dropped."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decode = codecs.getincrementaldecoder(encoding)().decode
        self._decoder = json.JSONDecoder()
        self._text, self._start, self._is_end, self._offset = "", 0, False, 0
        self._last = ""

    def items(self) -> Iterator[Item]:
        """Yield the items of the top level."""
        for key, _ in self._walk():
            yield Item(key, self._value())

    def spans(self) -> Iterator[tuple[Span, str]]:
        """Yield place and text of the items of the lists; the encoding must have one byte per character."""
        for key, is_in_list in self._walk():
            if is_in_list:
                start = self._byte()
                text = self._skip()
                yield Span(key, start, self._byte()), text
            elif key is None:
                raise ValueError("no list and no object")
            else:
                self._value()

    def _walk(self) -> Iterator[tuple[str | None, bool]]:
        """Stop at each item of the top level, and of the lists in an object; the caller then reads the item.

        Yields:
            The key, and True if the item is in a list.
        """
        first = self._next()
        if not first:
            raise _EmptyFileError
        if first == "[":
            yield from ((None, True) for _ in self._separated("]"))
        elif first == "{":
            for _ in self._separated("}"):
                yield from self._walk_member()
        else:
            yield None, False
        if self._next():
            raise ValueError(f"extra data at byte {self._byte()}")

    def _walk_member(self) -> Iterator[tuple[str, bool]]:
        if self._next() != '"':
            raise ValueError(f"no key at byte {self._byte()}")
        key = self._value()
        self._expect(":")
        if self._next() == "[":
            yield from ((key, True) for _ in self._separated("]"))
        else:
            yield key, False

    def _separated(self, end: str) -> Iterator[None]:
        """Stop at each item up to the bracket `end`."""
        self._start += 1
        if self._next() == end:
            self._start += 1
            return
        while True:
            self._next()
            yield
            if self._expect(f",{end}") == end:
                return

    def _skip(self) -> str:
        """Skip the next item without decoding it, if it is a simple object; return its text."""
        match = _OBJECT.match(self._text, self._start)
        if match is None:
            self._value()  # reads more text, or decodes an item with deeper objects
            return self._last
        self._start = match.end()
        return match.group()

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
                if not _NUMBER_END.fullmatch(self._text, end) or not self._read(size):
                    self._last, self._start = self._text[self._start : end], end
                    return value
            size *= 2

    def _read(self, size: int) -> bool:
        """Read more text; return False at the end of the file."""
        if self._is_end:
            return False
        chunk = self._file.read(size)
        _advance.get()(len(chunk))
        self._is_end = not chunk
        self._offset += self._start
        self._text = self._text[self._start :] + self._decode(chunk, self._is_end)
        self._start = 0
        return True

    def _byte(self) -> int:
        return self._offset + self._start
