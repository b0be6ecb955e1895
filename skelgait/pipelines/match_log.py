"""CSV file of matches that grows by whole lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError
from skelgait.pipelines.watch_events import TrackMatch
from skelgait.storage.atomic import write_error

_HEADER = (
    "probe", "rank", "identity", "sequence", "distance", "accepted", "first_s", "last_s", "frames", "time", "video",
    "problem", "marks",
)  # fmt: skip
_HINT = "pass another file with --out"


class MatchLog:
    """CSV file of matches that grows by whole lines: those of a match are written together, at once.

    An existing file of the same columns is continued.

    Args:
        path: the file.

    Raises:
        DataError: if the file has other columns, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                file.seek(0)
                first = file.readline()
        except OSError as error:
            raise write_error(path, error) from error
        header = _lines([_HEADER])
        if not first:
            self._append(header)
        elif first.decode("utf-8", "replace") != header:
            raise DataError(path, "a file with other columns", "a file of matches, to continue", _HINT)

    def write(self, match: TrackMatch) -> None:
        """Append a line for each candidate of a match; one line if it has none.

        Raises:
            DataError: if the file cannot be written.
        """
        facts = (match.first_s, match.last_s, match.frames, match.time, match.video, match.problem)
        marks = "; ".join(match.marks)
        # Only the nearest person is accepted or rejected.
        accepted = ["" if match.accepted is None else str(match.accepted).lower(), *[""] * len(match.candidates)]
        people: list[tuple[object, ...]] = [
            (rank, c.identity, c.sequence, c.distance, accepted[rank - 1]) for rank, c in enumerate(match.candidates, 1)
        ]
        self._append(_lines([(match.probe, *person, *facts, marks) for person in people or [("",) * 5]]))

    def _append(self, text: str) -> None:
        try:
            with self._path.open("ab", buffering=0) as file:
                file.write(text.encode())
        except OSError as error:
            raise write_error(self._path, error) from error


def _lines(rows: Sequence[Sequence[object]]) -> str:
    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(rows)
    return table.getvalue()
