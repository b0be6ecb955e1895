"""`skelgait demo`: the whole road on synthetic walkers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.evaluate import show_evaluation
from skelgait.cli.output import show_counts, show_json


def demo(
    ctx: typer.Context,
    out: Annotated[Path | None, options.field("demo.out")] = None,
    seed: Annotated[int | None, options.field("demo.seed")] = None,
    as_json: options.Json = False,
) -> None:
    """Take people who do not exist down the whole road, in a few minutes."""
    chosen = options.resolve(ctx, "demo").demo

    from skelgait.pipelines.demo import run_demo
    from skelgait.runtime.progress import progress

    report = run_demo(chosen.out, chosen.seed, progress)
    if as_json:
        evaluations = {network: evaluation.to_dict() for network, evaluation in report.evaluations.items()}
        show_json({"out": report.out, "sheet": report.sheet, "chance": report.chance, "evaluations": evaluations})
        return
    for network, evaluation in report.evaluations.items():
        typer.secho(f"\n{network}, on people unseen in training", bold=True)
        show_evaluation(evaluation.to_dict())
    show_counts(
        "Where everything lies",
        {
            "poses, silhouettes, maps, pairs": report.out,
            "maps beside silhouettes": report.sheet,
            "runs, with checkpoints and logs": report.out / "runs",
            "rank-1 of a guess, percent": f"{100 * report.chance:.1f}",
            "minutes": f"{report.seconds / 60:.1f}",
        },
    )
