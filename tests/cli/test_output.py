"""Tables and warnings on the terminal and in a pipe."""

from __future__ import annotations

import pytest

from skelgait.cli.evaluate import show_evaluation
from skelgait.cli.output import show_counts, show_table, warn
from skelgait.datasets import find
from skelgait.evaluation import EvaluationReport
from skelgait.evaluation.report import GroupReport, TableReport


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


def test_evaluation_in_a_pipe_has_all_columns(capsys: pytest.CaptureFixture[str]) -> None:
    protocol = find("SUSTech1K").protocol
    tables = [
        TableReport(
            table.title,
            table.kind,
            tuple(GroupReport(g.name, dict.fromkeys(table.metrics, 1.0), 1234, 56789, 10) for g in table.groups),
        )
        for table in protocol.tables
    ]
    report = EvaluationReport("SUSTech1K", "euclidean", tuple(tables), protocol.published, 9, 0)
    show_evaluation({"network": "skeletongait++", **report.to_dict()})
    out = capsys.readouterr().out
    assert all(group.name in out for table in tables for group in table.groups)
    assert out.count("no match") == len(tables)
    assert out.count("56789") == sum(len(table.groups) for table in tables)
    assert "…" not in out


@pytest.mark.parametrize(("at_most", "shown"), [(20, 21), (None, 30), (30, 30)])
def test_warnings_beyond_the_limit_are_counted(
    at_most: int | None, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    warn([str(number) for number in range(30)], at_most)
    assert len(capsys.readouterr().err.splitlines()) == shown
