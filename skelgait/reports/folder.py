"""Report folder: `report.json`, `report.csv`, `report.md`, and `ranks.h5` for comparisons."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from skelgait.errors import PathLike, reading
from skelgait.evaluation import EvaluationReport
from skelgait.reports.ranks_file import write_ranks
from skelgait.reports.rows import MetricRow, Report, rows_of
from skelgait.reports.tables import to_markdown
from skelgait.storage.atomic import remove_file, write_text
from skelgait.storage.format_version import check_format
from skelgait.storage.lock import lock_folder

REPORT, RANKS = "report.json", "ranks.h5"
FORMAT = 1
_PICTURES = ("cmc.png", "roc.png", "open-set.png", "views-*.png", "retrieval-*.png", "report.html")


def write_report(folder: PathLike, report: Report, evaluation: EvaluationReport) -> None:
    """Write a report.

    An old `report.json` is removed first, and the new one is written last. A folder with `report.json` is complete.

    Args:
        folder: output folder; it is created if it is missing.
        report: report as plain data, with the version of its format.
        evaluation: the same report with the ranks of all probes.

    Raises:
        DataError: if a file cannot be written, or another process writes there.
    """
    with lock_folder(Path(folder)):
        _write(Path(folder), report, evaluation)


def _write(folder: Path, report: Report, evaluation: EvaluationReport) -> None:
    _remove_pictures(folder)
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(MetricRow._fields)
    writer.writerows(rows_of(report))
    remove_file(folder / REPORT)
    write_ranks(folder / RANKS, evaluation)
    write_text(folder / "report.csv", table.getvalue())
    write_text(folder / "report.md", to_markdown(report))
    write_text(folder / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")


def _remove_pictures(folder: Path) -> None:
    """Remove the pictures of an earlier report."""
    if (folder / REPORT).is_file():
        for pattern in _PICTURES:
            for path in folder.glob(pattern):
                remove_file(path)


def read_report(folder: PathLike) -> dict[str, Any]:
    """Read the report in a folder as plain data.

    Raises:
        DataError: if it is missing or damaged, or was written by a newer skelgait.
    """
    path, hint = Path(folder) / REPORT, "run `skelgait evaluate` again"
    with reading(path, "an evaluation report", hint, "a damaged file", (KeyError, TypeError)):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content["tables"], list):
            raise TypeError("no tables")
        if not isinstance(content["protocol"], str):
            raise TypeError("no protocol")
    check_format(path, content.get("format"), FORMAT)
    return content
