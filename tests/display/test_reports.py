"""Reports of the library: one-line repr, rows, and HTML without unescaped text."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.checkpoints.best_checkpoint import BestEvaluation
from skelgait.checkpoints.describe import describe_checkpoint
from skelgait.display import Row, Tabular
from skelgait.evaluation.identification import Candidate, Identified
from skelgait.evaluation.report import EvaluationReport, GroupReport, TableReport
from skelgait.inspection.report import Inspection
from skelgait.pipelines.identify import Identification
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.pairs.outcome import Pairing, SequencePairing
from skelgait.reports.compare import Comparison
from skelgait.reports.differences import ComparedMetric, Difference
from skelgait.runs.summary import Summary
from skelgait.storage import Key
from tests.embeddings.networks import write_checkpoint

HOSTILE = "<b>&"
A, B = Key("a", "nm", "000"), Key(HOSTILE, "nm", "000")
BUILT: list[Row] = [
    {"sequence": "a/nm/000", "outcome": "written", "frames": 7},
    {"sequence": f"{HOSTILE}/nm/000", "outcome": "failed", "reason": HOSTILE},
]
PAIRED: list[Row] = [
    {
        "identity": "a",
        "condition": "nm",
        "view": "000",
        "outcome": "paired",
        "maps": 7,
        "silhouettes": 7,
        "paired": 7,
        "reason": "",
    }
]
INSPECTED: list[Row] = [
    {"name": "sequences", "value": 3},
    {"name": "problem", "value": HOSTILE},
    {"name": "next command", "value": "skelgait link"},
]
COMPARED: list[Row] = [
    {
        "table": "T",
        "group": HOSTILE,
        "metric": "rank_1",
        "n_probes": 4,
        "evaluation": name,
        "value": value,
        "difference": difference,
        "low": low,
        "high": high,
        "p": p,
    }
    for name, value, difference, low, high, p in (
        ("x", 0.5, None, None, None, None),
        ("y", 0.75, 0.25, 0.1, 0.4, 0.02),
    )
]
SUMMARY: Row = {
    "run": "r", "network": "skeletongait", "identities": 4, "iteration": 7, "iterations": 9, "steps_per_second": 2.5,
    "checkpoints": 1, "started": None,
}  # fmt: skip

EVALUATED: list[Row] = [
    {"table": "T", "group": HOSTILE, "rank_1": 0.5, "n_probes": 4, "n_gallery": 3, "n_unmatched": 0}
]
IDENTIFIED: list[Row] = [
    {"probe": "a/nm/000", "accepted": True, "rank": rank, "identity": key.identity, "sequence": str(key), "distance": d}
    for rank, (key, d) in enumerate(((A, 0.5), (B, 1.5)), 1)
]
PROBE = Identified(A, (Candidate("a", A, 0.5), Candidate(HOSTILE, B, 1.5)), True)

REPORTS: list[tuple[Tabular, str, list[Row]]] = [
    (
        EvaluationReport(
            "CCPG", "euclidean", (TableReport("T", "pooled", (GroupReport(HOSTILE, {"rank_1": 0.5}, 4, 3),)),), {}, 7, 0
        ),
        "<EvaluationReport: CCPG, euclidean distance, 7 sequences>",
        EVALUATED,
    ),
    (
        Identification(Path("gallery.h5"), 2, 2, 1.0, None, None, 0, 0, [PROBE]),
        "<Identification: 1 probes, 2 enrolled people>",
        IDENTIFIED,
    ),
    (
        BuildReport({A: {"frames": 7}}, 2, ((B, HOSTILE),)),
        "<BuildReport: 1 sequences written, 2 skipped, 1 failed>",
        BUILT,
    ),
    (Pairing((SequencePairing(A, "paired", 7, 7),)), "<Pairing: 1 paired>", PAIRED),
    (Pairing(()), "<Pairing: no sequences>", []),
    (
        Inspection("a folder", {"sequences": 3}, [HOSTILE], "skelgait link"),
        "<Inspection: a folder>",
        INSPECTED,
    ),
    (
        Comparison(
            ("x", "y"),
            "CCPG",
            (ComparedMetric("T", HOSTILE, "rank_1", 4, (0.5, 0.75), (Difference(0.25, (0.1, 0.4), 0.02),)),),
            (),
        ),
        "<Comparison: CCPG, x, y>",
        COMPARED,
    ),
    (
        Summary(**SUMMARY, metrics={"triplet/loss": 0.5}, best=BestEvaluation(5, 0.9)),  # type: ignore[arg-type]
        "<Summary: r, skeletongait, iteration 7 of 9>",
        [{**SUMMARY, "triplet/loss": 0.5, "best_score": 0.9, "best_iteration": 5, "best_subset": "test"}],
    ),
]


@pytest.mark.parametrize(("report", "text", "rows"), REPORTS, ids=[type(report).__name__ for report, *_ in REPORTS])
def test_repr_rows_and_html(report: Tabular, text: str, rows: list[Row]) -> None:
    assert repr(report) == text
    assert report.rows() == rows
    assert HOSTILE not in report._repr_html_()
    assert report._repr_html_().count("<tr>") == 1 + len(rows)


def test_checkpoint_report(tmp_path: Path) -> None:
    report = describe_checkpoint(write_checkpoint(tmp_path / "c.pt"))
    assert repr(report) == "<CheckpointReport: c.pt: skeletongait, iteration 7>"
    rows = {row["name"]: row["value"] for row in report.rows()}
    assert (rows["kind"], rows["network"], rows["weights"]) == ("opengait", "skeletongait", "complete")
    assert "<td>skeletongait</td>" in report._repr_html_()
