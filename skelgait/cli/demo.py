"""`skelgait demo`: the whole pipeline on synthetic data."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.evaluate import show_evaluation
from skelgait.cli.output import show_counts, show_json, show_text

if TYPE_CHECKING:
    from skelgait.settings import Settings


@command(
    "skelgait demo --quick",
    "skelgait demo --out my-demo --seed 1",
    flags={DATA: ("demo.out", "demo.seed", "demo.quick", "demo.resume", "wait")},
)
def demo(settings: Settings, as_json: Json = False) -> None:
    """Run the whole pipeline on synthetic data; takes a few minutes."""
    from skelgait.pipelines.demo import run_demo
    from skelgait.runtime.progress import progress

    report = run_demo(settings.demo, progress, announce=partial(show_text, err=True))
    if as_json:
        evaluations = {network: evaluation.to_dict() for network, evaluation in report.evaluations.items()}
        show_json({"out": report.out, "sheet": report.sheet, "chance": report.chance, "evaluations": evaluations})
        return
    for network, evaluation in report.evaluations.items():
        show_text(f"\n{network}, on identities not used for training", bold=True)
        show_evaluation(evaluation.to_dict())
    show_counts(
        "Output",
        {
            "poses, silhouettes, maps, pairs": report.out,
            "picture of maps and silhouettes": report.sheet,
            "runs, with checkpoints and logs": report.out / "runs",
            "rank-1 by chance, percent": f"{100 * report.chance:.1f}",
            "minutes": f"{report.seconds / 60:.1f}",
        },
    )
