"""`skelgait evaluate`: metrics of a network under a protocol."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, show_lines, show_table, warn
from skelgait.cli.processes import processes_on

if TYPE_CHECKING:
    from skelgait.reports.rows import Report
    from skelgait.settings import Resolved

_MAIN_COLUMNS = ("rank-1", "rank-5", "published", "difference", "source")
_AllMetrics = Annotated[
    bool,
    typer.Option("--all-metrics", help="Print all metrics, even if wider than the terminal.", rich_help_panel=DATA),
]


@command(
    "skelgait evaluate --dataset SUSTech1K --network skeletongait++",
    "skelgait evaluate --gallery 'nm-0*' --probes 'Bag=bg-*'",
    flags={
        DATA: (
            "dataset", "paths.maps", "paths.pairs", "partition", "evaluate.embeddings", "evaluate.report",
            "evaluate.pictures", "evaluate.submission", "wait",
        ),
        "Network": (
            "train.network.name", "preset", "evaluate.checkpoint", "evaluate.iteration", "evaluate.best",
            "paths.runs", "train.run_name",
        ),
        "Evaluation": (
            "evaluate.protocol", "evaluate.gallery", "evaluate.probes", "evaluate.not_enrolled", "evaluate.draws",
            "evaluate.distance", "evaluate.embedding", "evaluate.rerank", "evaluate.bootstrap_samples",
        ),
        COMPUTE: ("evaluate.device", "evaluate.nproc", "evaluate.batch_size"),
    },
)  # fmt: skip
def evaluate(resolved: Resolved, all_metrics: _AllMetrics = False, as_json: Json = False) -> None:
    """Evaluate a network under the dataset's protocol, or your own."""
    from skelgait.pipelines.evaluate import evaluate_run
    from skelgait.runtime.progress import progress

    settings = resolved.settings
    config = settings.evaluate
    with processes_on(config.device, config.nproc):
        command_line = shlex.join(["skelgait", *sys.argv[1:]])
        evaluation = evaluate_run(settings, progress, resolved.requested_network(), command_line)
    if evaluation is None:
        return
    if as_json:
        show_json(evaluation.to_dict())
        return
    show_evaluation(evaluation.to_dict(), all_metrics=all_metrics)
    if evaluation.folder:
        show_lines("Report", [str(evaluation.folder)])
    if config.submission:
        show_counts("Ranking for the server (without accuracy)", {"file": config.submission})


def show_evaluation(report: Report, *, all_metrics: bool = False) -> None:
    """Print the tables of a report, with the published metrics.

    Args:
        report: the report.
        all_metrics: print all columns, even if the table is wider than the terminal.
    """
    from skelgait.reports.tables import report_heading, search_sentences, source_lines, summary_sentences, tables_of

    show_lines(report_heading(report), [summary_sentences(report), *search_sentences(report)])
    more = "" if all_metrics else "use --all-metrics, or a wider terminal"
    for title, header, rows in tables_of(report):
        show_table(title, header, rows, more, keep=_MAIN_COLUMNS)
    if sources := source_lines(report):
        show_lines("Published results", sources)
    n, n_sequences = report["n_truncated"], report["n_sequences"]
    notes = [f"{n} of {n_sequences} sequences were longer than max_frames and were cut"] if n else []
    warn([*notes, *report["notes"]])
