"""Tables and warnings on the terminal and in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest

from skelgait.cli.evaluate import show_evaluation
from skelgait.cli.output import show_counts, show_table, warn
from skelgait.datasets import find_dataset
from skelgait.evaluation import EvaluationReport
from skelgait.evaluation.report import GroupReport, TableReport
from tests.paths import ROOT


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.parametrize(
    ("title", "rows"),
    [
        ("", []),
        ("Maps in " + "/a/folder" * 20, [("sequences", "3")]),
        ("title", [("checkpoint", "/runs" * 40), ("n", "1")]),
        ("title [a]", [("[bold]gallery", "nm-[ab]"), (":smile:", "[/]")]),  # text, and no markup
    ],
)
def test_table_without_hint_is_complete(
    title: str, rows: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    show_table(title, ("setting", "value"), rows)
    show_counts(title, dict(rows))
    out = capsys.readouterr().out
    assert all(out.count(text) >= 2 for row in rows for text in (title, *row))
    assert "…" not in out


def report_of(dataset: str) -> dict[str, Any]:
    """Return a report of a dataset's protocol in which every metric has an interval."""
    protocol = find_dataset(dataset).protocol
    tables = [
        TableReport(
            table.title,
            table.kind,
            tuple(
                GroupReport(
                    group.name, dict.fromkeys(table.metrics, 1.0), 1234, 56789, 10,
                    intervals=dict.fromkeys(table.metrics, (0.912, 1.0)),
                )
                for group in table.groups
            ),
        )
        for table in protocol.tables
    ]  # fmt: skip
    report = EvaluationReport(dataset, "euclidean", tuple(tables), protocol.published, 9, 0)
    return {"network": "skeletongait++", **report.to_dict()}


def test_evaluation_in_a_pipe_has_all_columns(capsys: pytest.CaptureFixture[str]) -> None:
    tables = find_dataset("SUSTech1K").protocol.tables
    show_evaluation(report_of("SUSTech1K"))
    out = capsys.readouterr().out
    assert all(group.name in out for table in tables for group in table.groups)
    assert out.count("no match") == len(tables)
    assert out.count("56789") == sum(len(table.groups) for table in tables)
    assert "…" not in out
    assert "Not shown" not in out


def in_terminal(script: str, columns: int) -> list[str]:
    """Return the lines that Python prints in a terminal of this width."""
    pty = pytest.importorskip("pty", reason="needs a Unix terminal")
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "dumb", "PYTHONPATH": str(ROOT)}
    parent, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", script], stdout=child, env=environment)
    os.close(child)
    output = b""
    with suppress(OSError):  # the terminal is closed when the process ends
        while data := os.read(parent, 4096):
            output += data
    os.close(parent)
    assert process.wait() == 0
    return output.decode().splitlines()


SHOW = "from tests.cli.test_output import *; show_evaluation(report_of('{}'){})"


@pytest.mark.parametrize(
    ("dataset", "columns", "shown", "hidden"),
    [
        ("SUSTech1K", 80, {"rank-1", "rank-5"}, {"no match"}),
        ("Gait3D", 80, {"rank-1", "rank-5"}, {"no match"}),
        ("SUSTech1K", 260, {"rank-1", "rank-5", "source", "no match"}, set()),
    ],
)
def test_evaluation_fits_the_terminal(dataset: str, columns: int, shown: set[str], hidden: set[str]) -> None:
    lines = in_terminal(SHOW.format(dataset, ""), columns)
    tables = [line for line in lines[2:] if line.startswith("  ") and "Not shown" not in line]
    assert max(map(len, tables)) <= columns
    header = next(line for line in tables if "rank-1" in line)
    assert all(name in header for name in shown)
    assert not any(name in header for name in hidden)
    note = [line for line in lines if "Not shown" in line]
    assert all(name in note[0] and "use --all-metrics" in note[0] for name in hidden)
    assert bool(note) == bool(hidden)


def test_all_metrics_shows_all_columns_in_a_narrow_terminal() -> None:
    lines = in_terminal(SHOW.format("SUSTech1K", ", all_metrics=True"), 80)
    assert any("rank-1" in line and "no match" in line for line in lines)
    assert "Not shown" not in " ".join(lines)


@pytest.mark.parametrize(("at_most", "shown"), [(20, 21), (None, 30), (30, 30)])
def test_warnings_beyond_the_limit_are_counted(
    at_most: int | None, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    warn([str(number) for number in range(30)], at_most)
    assert len(capsys.readouterr().err.splitlines()) == shown
