"""Journal of a dataset that is being written, from which the report of a killed run is known."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skelgait.errors import reading
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.recipe import Output
from skelgait.storage import Key
from skelgait.storage.atomic import atomic_write, remove_file, write_error
from skelgait.storage.json_lines import parse_line


@dataclass(frozen=True)
class Journal:
    """Hidden file with one line for each sequence, written just before the sequence itself.

    So each sequence that a killed run has written has its line; the last line of a sequence counts. A line without its
    sequence does no harm, because the next run makes that sequence and adds a line.

    Attributes:
        path: path of the file; its folder must be locked.
    """

    path: Path

    def read(self) -> BuildReport:
        """Return the counts and details of the sequences of unfinished runs; damaged lines are skipped.

        Raises:
            DataError: if the file exists and cannot be read.
        """
        # A link may lead to a file of somebody else.
        if self.path.is_symlink() or not self.path.is_file():
            return BuildReport()
        with reading(self.path, "a journal of skelgait", "remove it"):
            values = map(parse_line, filter(None, self.path.read_bytes().split(b"\n")))
        sequences = [sequence for value in values if value is not None and (sequence := _sequence(value)) is not None]
        return BuildReport(
            {key: counts for key, counts, _ in sequences}, details={key: details for key, _, details in sequences}
        )

    def start(self) -> None:
        """Begin a run: replace the file by one with its undamaged lines.

        Raises:
            DataError: if the file cannot be written.
        """
        earlier = self.read()
        lines = [_line(key, counts, earlier.details[key]) for key, counts in earlier.made.items()]
        with atomic_write(self.path) as partial:
            partial.write_bytes(b"".join(lines))

    def add(self, key: Key, output: Output) -> None:
        """Add the line of a sequence that is about to be written; several processes may do so at once.

        Raises:
            DataError: if the file cannot be written.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "ab") as file:
                file.write(_line(key, output.counts, output.details))
        except OSError as error:
            raise write_error(self.path, error) from error

    def remove(self) -> None:
        """Remove the file, after the report is written.

        Raises:
            DataError: if the file cannot be removed.
        """
        remove_file(self.path)


def _line(key: Key, counts: Any, details: Any) -> bytes:
    # The line feed in front ends a line that a full disk has cut off.
    return f"\n{json.dumps({'key': key, 'counts': dict(counts), 'details': dict(details)})}\n".encode()


def _sequence(value: dict[str, Any]) -> tuple[Key, dict[str, int], dict[str, Any]] | None:
    """Return key, counts and details in a line; None if they have other types."""
    key, counts, details = value.get("key"), value.get("counts"), value.get("details")
    if not isinstance(key, list) or len(key) != len(Key._fields) or not all(isinstance(name, str) for name in key):
        return None
    if not isinstance(counts, dict) or not all(isinstance(count, int) for count in counts.values()):
        return None
    return (Key(*key), counts, details) if isinstance(details, dict) else None
