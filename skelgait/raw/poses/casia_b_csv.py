"""CASIA-B's poses in one table, as GaitGraph publishes them: casia-b_pose_coco.csv, with a row a frame."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.file_tree import Folder
from skelgait.raw.keys import PathParts
from skelgait.raw.natural_sort import natural_sort
from skelgait.raw.poses.joints import reshape_rows
from skelgait.raw.poses.layout import RawSequence
from skelgait.raw.poses.sequence_files import cache_last_file, find_in_files, frame_name, read_head, split_path

_EXPECTED = "rows of folder/sequence/frame and 3 numbers for each joint"
_HINT = "fetch the table again, or name another --layout"

Span = tuple[int, int]
"""Where rows begin and end in the file, in bytes."""


class Rows(NamedTuple):
    """A table, and the folder that the rows of a sequence begin with."""

    path: Path
    folder: bytes


@dataclass(frozen=True)
class CasiaBCsv:
    """A `Layout`: GaitGraph's table of CASIA-B, which is never read as a whole."""

    name: str = "casia-b-csv"
    title: str = "CASIA-B's poses as GaitGraph publishes them, a CSV file"

    def matches(self, sample: Sequence[Path]) -> bool:
        """See `Layout.matches`."""
        first = next((path for path in sample if path.suffix.lower() == ".csv"), None)
        try:
            return first is not None and _begins_well(first)
        except DataError:
            return False

    def find(self, root: Path, pattern: str | None) -> Mapping[PathParts, Rows]:
        """See `Layout.find`."""
        return find_in_files(root, pattern or "*.csv", _inside)

    def files(self, place: Rows) -> Sequence[Path]:
        """See `Layout.files`."""
        return [place.path]

    def read(self, place: Rows) -> RawSequence:
        """See `Layout.read`."""
        path, folder = place
        text = b"".join(_read_spans(path, _spans(path).get(folder, [])))
        images, joints = _parse(text, path)
        by_image: dict[str, list[int]] = {}
        for row, image in enumerate(images):
            by_image.setdefault(image, []).append(row)
        names = natural_sort(by_image)
        return RawSequence([joints[by_image[name]] for name in names], [frame_name(name) for name in names])


CASIA_B_CSV = CasiaBCsv()


def _inside(folder: Folder) -> Iterator[tuple[PathParts, Rows]]:
    for name in folder.names:
        path = folder.path / name
        for rows in _spans(path):
            yield split_path(rows.decode(errors="replace"), path)[-1:], Rows(path, rows)


def _begins_well(path: Path) -> bool:
    """Whether the first row under the header, or without one the first row, can be read."""
    rows = [line for line in read_head(path).splitlines()[:2] if _folder(line)]
    return bool(rows) and len(_parse(rows[0], path)[1]) == 1


@cache_last_file
def _spans(path: Path) -> dict[bytes, list[Span]]:
    """Where the rows of each folder are; from one pass over the file that looks at the first column alone."""
    spans: dict[bytes, list[Span]] = {}
    folder, begin, end = b"", 0, 0
    for n, line in enumerate(_lines(path)):
        own = _folder(line)
        if own != folder:
            if not own and line.strip():
                raise DataError(path, f"no folder in the first column of row {n + 1}", _EXPECTED, _HINT)
            if folder:
                spans.setdefault(folder, []).append((begin, end))
            folder, begin = own, end
        end += len(line)
    if folder:
        spans.setdefault(folder, []).append((begin, end))
    return spans


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise DataError(path, error.strerror or str(error), _EXPECTED, "check the path and its permissions") from error


def _folder(row: bytes) -> bytes:
    """The folder that the first column of a row names; nothing where it names none, as in the header."""
    first = row[1 : row.find(b'"', 1)] if row.startswith(b'"') else row[: row.find(b",")]
    return first.rpartition(b"/")[0]


def _read_spans(path: Path, spans: Sequence[Span]) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for begin, end in spans:
                file.seek(begin)
                yield file.read(end - begin)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), _EXPECTED, "check the path and its permissions") from error


def _parse(text: bytes, path: Path) -> tuple[list[str], NDArray[np.float32]]:
    """The image that each row is of, and its joints (n, V, 3)."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text.decode(), newline="")) if row]
        with np.errstate(over="ignore"):  # what is too large is infinite, and no joint
            values = np.array([row[1:] for row in rows], np.float32)
    except (csv.Error, ValueError) as error:
        raise DataError(path, f"a row that cannot be read ({error})", _EXPECTED, _HINT) from error
    if not rows:
        raise DataError(path, "no such rows any more", "those that were there before", "try again")
    return [split_path(row[0], path)[-1] for row in rows], reshape_rows(values, path)
