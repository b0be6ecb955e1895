"""CSV report of poses: people, tracks and the choice of the walker, for every sequence."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

from skelgait.preprocess.build_report import BuildReport
from skelgait.storage import Key
from skelgait.storage.atomic import atomic_write

REPORT_FILE = "report.csv"
JOURNAL_FILE = ".report.jsonl"
"""Journal of a run that has not finished, beside the report."""
COLUMNS = (
    "identity", "condition", "view", "outcome", "frames_in_file", "frames_with_people", "frames_written", "tracks",
    "joins", "splits", "jumps", "choice", "certainty", "reason",
)  # fmt: skip

# File names may contain bytes that are not text.
_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


def write_report(out: Path, report: BuildReport, keys: Sequence[Key]) -> None:
    """Write the report of the poses in `out` atomically.

    Args:
        out: folder of the poses.
        report: result of this run and of unfinished ones before it; sequences that they skipped keep their rows of
            the existing report.
        keys: keys of all sequences, sorted.

    Raises:
        DataError: if the file cannot be written.
    """
    rows: dict[Key, list[str]] = {**_existing_rows(out / REPORT_FILE), **_rows(report)}
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(rows.get(key, [*key, "written", *[""] * (len(COLUMNS) - 4)]) for key in keys)
    with atomic_write(out / REPORT_FILE) as partial:
        partial.write_bytes(text.getvalue().encode(**_ENCODING))


def is_complete(counts: Mapping[str, int], details: Mapping[str, object]) -> bool:
    """Return False if a sequence lacks what the report needs, as in the journal of another version."""
    has_choice = isinstance(details.get("choice"), str) and isinstance(details.get("certainty", ""), float | None)
    return has_choice and counts.keys() >= {"frames", "without_walker", "no_person", "jumps"}


def _rows(report: BuildReport) -> dict[Key, list[str]]:
    failed: dict[Key, dict[str, object]] = {
        key: {"outcome": "failed", "reason": reason} for key, reason in report.failed
    }
    written = {key: _values(counts, report.details[key]) for key, counts in report.made.items()}
    return {
        key: [*key, *(str(values.get(column, "")) for column in COLUMNS[3:])]
        for key, values in {**failed, **written}.items()
    }


def _values(counts: Mapping[str, int], details: Mapping[str, object]) -> dict[str, object]:
    with_people = counts["frames"] + counts["without_walker"]
    certainty = details["certainty"]
    return {
        **counts,
        "outcome": "written",
        "frames_in_file": with_people + counts["no_person"],
        "frames_with_people": with_people,
        "frames_written": counts["frames"],
        "choice": details["choice"],
        "certainty": "" if certainty is None else f"{certainty:.3f}",
    }


def _existing_rows(path: Path) -> dict[Key, list[str]]:
    """Read the rows of an existing report; empty if there is none, or its columns are others."""
    try:
        text = path.read_bytes().decode(**_ENCODING)
        header, *rows = list(csv.reader(io.StringIO(text, newline=""))) or [[]]
    except (OSError, ValueError, csv.Error):  # written again
        return {}
    return {Key(*row[:3]): row for row in rows if len(row) == len(COLUMNS)} if tuple(header) == COLUMNS else {}
