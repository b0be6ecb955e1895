"""The report beside the pairs: a line for every sequence of either source, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from skelgait.errors import DataError
from skelgait.preprocess.pairs.outcome import OUTCOMES, Pairing, SequencePairing
from skelgait.storage import Key
from skelgait.storage.atomic import atomic_write

REPORT_FILE = "report.csv"
COLUMNS = ("identity", "condition", "view", "outcome", "maps", "silhouettes", "paired", "reason")

# Names of files need not be text.
_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


def cells_of(sequence: SequencePairing) -> tuple[str, ...]:
    """The line of a sequence."""
    return tuple("" if value is None else str(value) for value in sequence.to_dict().values())


def write_report(out: Path, pairing: Pairing) -> None:
    """Write the report of the pairs in `out`, whole or not at all; nothing where it is there already.

    Raises:
        DataError: it cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(map(cells_of, pairing.sequences))
    content, path = text.getvalue().encode(**_ENCODING), out / REPORT_FILE
    if path.is_file() and path.read_bytes() == content:
        return
    with atomic_write(path) as partial:
        partial.write_bytes(content)


def read_report(out: Path) -> Mapping[Key, tuple[str, ...]]:
    """The lines of the report in `out`, each by its sequence; none where there is no report.

    Raises:
        DataError: it is damaged, or another file that bears its name.
    """
    path = out / REPORT_FILE
    try:
        text = path.read_bytes().decode(**_ENCODING)
        header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"the columns {', '.join(header)}")
        return {_key_of(cells): tuple(cells) for cells in lines}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        hint = "name another folder with --pairs, or remove this one and link again"
        raise DataError(path, f"another or a damaged file ({error})", "the report of `skelgait link`", hint) from error


def _key_of(cells: list[str]) -> Key:
    """The sequence of a line: three names that can stand in a path, and lead nowhere else."""
    if len(cells) != len(COLUMNS) or cells[3] not in OUTCOMES:
        raise ValueError(f"the line {','.join(cells)}")
    for name in cells[:3]:
        if name in ("", ".", "..") or "\0" in name or Path(name).name != name:
            raise ValueError(f"the name {name!r}")
    return Key(*cells[:3])
