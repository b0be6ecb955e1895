"""CSV report of linked pairs: one line for every sequence of either source."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from skelgait.errors import reading
from skelgait.preprocess.pairs.outcome import OUTCOMES, Pairing, SequencePairing
from skelgait.storage import Key
from skelgait.storage.atomic import atomic_write
from skelgait.storage.names import name_problem

REPORT_FILE = "report.csv"
COLUMNS = ("identity", "condition", "view", "outcome", "maps", "silhouettes", "paired", "reason")

# File names may contain bytes that are not text.
_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


def csv_row(sequence: SequencePairing) -> tuple[str, ...]:
    """Return the row of a sequence."""
    return tuple("" if value is None else str(value) for value in sequence.to_dict().values())


def write_report(out: Path, pairing: Pairing) -> None:
    """Write the report of the pairs in `out` atomically, if it differs from the existing one.

    Raises:
        DataError: if the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(csv_row, pairing.sequences))
    content, path = text.getvalue().encode(**_ENCODING), out / REPORT_FILE
    if path.is_file() and path.read_bytes() == content:
        return
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def read_report(out: Path) -> Mapping[Key, tuple[str, ...]]:
    """Read the rows of the report in `out`, by key; empty if there is no report.

    Raises:
        DataError: if the file is damaged, or is another file of the same name.
    """
    path, hint = out / REPORT_FILE, "choose another folder with --pairs, or remove this file and link again"
    if not path.exists():
        return {}
    with reading(path, "a report of `skelgait link`", hint, "another or a damaged file", (csv.Error,)):
        text = path.read_bytes().decode(**_ENCODING)
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"the columns {', '.join(header)}")
        return {_parse_key(row): tuple(row) for row in rows}


def _parse_key(row: list[str]) -> Key:
    """Return the key of a row; check that its three names are single parts of a path."""
    if len(row) != len(COLUMNS) or row[3] not in OUTCOMES:
        raise ValueError(f"the line {','.join(row)}")
    for name in row[:3]:
        if problem := name_problem(name):
            raise ValueError(problem)
    return Key(*row[:3])
