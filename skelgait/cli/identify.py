"""`skelgait identify`: nearest enrolled people of each probe."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_json, show_lines, show_table, warn
from skelgait.cli.processes import processes_on

if TYPE_CHECKING:
    from skelgait.evaluation.identification import Threshold
    from skelgait.pipelines.identify import Identification
    from skelgait.settings import Settings

_Probes = Annotated[
    Path, typer.Argument(metavar="PATH", help="Probes: a sequence, a folder of sequences, or an embedding file.")
]


@command(
    "skelgait identify new-walks --gallery embeddings.h5",
    "skelgait identify walk.pkl --threshold 0.8 --out ranking.csv",
    flags={
        DATA: ("identify.gallery", "identify.sequence", "identify.out", "identify.top", "wait"),
        "Threshold": ("identify.threshold", "identify.validation", "identify.false_accept"),
        "Network": (
            "identify.checkpoint", "identify.iteration", "identify.best", "paths.runs", "train.run_name",
            "identify.distance",
        ),
        COMPUTE: ("identify.device", "identify.nproc", "identify.batch_size"),
    },
)  # fmt: skip
def identify(path: _Probes, settings: Settings, as_json: Json = False) -> None:
    """Find the nearest enrolled people of each probe.

    With --threshold or --validation, probes of unknown people are rejected.
    """
    from skelgait.pipelines.identify import identify_probes, write_ranking
    from skelgait.runtime.progress import progress
    from skelgait.storage.lock import lock_file

    config = settings.identify
    with processes_on(config.device, config.nproc) as group, lock_file(config.out, group):
        with progress(None, "Embedding", "sequences") as advance:
            result = identify_probes(settings, path, advance)
        if result is None:
            return
        if config.out:
            write_ranking(config.out, result)
    if as_json:
        show_json(result.to_dict())
    else:
        _show(result, config.out, config.false_accept)


def _show(result: Identification, out: Path | None, false_accept: float) -> None:
    has_threshold, n_listed = result.threshold is not None, len(result.probes[0].candidates)
    header = ["probe", *(["accepted"] if has_threshold else []), *(f"{k}." for k in range(1, n_listed + 1))]
    rows = []
    for probe in result.probes:
        people = [f"{candidate.identity} ({candidate.distance:.3f})" for candidate in probe.candidates]
        accepted = [] if probe.accepted is None else ["yes" if probe.accepted else "no"]
        rows.append([str(probe.probe), *accepted, *people])
    title = f"Nearest of {result.n_people} enrolled people, {result.n_sequences} sequences (distance)"
    show_table(title, header, rows, more="use a wider terminal, or --json")
    if result.learned:
        show_lines("Threshold", [_describe(result.learned)])
        _show_operating_points(result.learned)
    if out:
        show_lines("Ranking", [str(out)])
    if result.learned:
        warn(_notes_on(result.learned, false_accept))
    if result.n_in_gallery:
        reason = "have the name of a gallery sequence, and may be compared with themselves"
        warn([f"{result.n_in_gallery} of {len(result.probes)} probes {reason}"])
    if result.n_truncated:
        warn([f"{result.n_truncated} of {len(result.probes)} probes were longer than identify.max_frames and were cut"])


def _describe(threshold: Threshold) -> str:
    """Return the threshold with its error rates."""
    text = (
        f"distance {threshold.distance:.4f}: accepts {100 * threshold.false_accepts:.2f} % "
        f"of {threshold.n_impostors} impostors"
    )
    if threshold.true_accepts is None:
        return text
    identified = f"{100 * threshold.true_accepts:.1f} % of {threshold.n_enrolled} sequences of enrolled people"
    return f"{text}, identifies {identified}"


def _show_operating_points(threshold: Threshold) -> None:
    from skelgait.reports.rows import percent

    rows = [
        [f"{100 * p.false_positive:g}", f"{p.distance:.4f}", percent(p.false_negative), percent(p.detected)]
        for p in threshold.operating_points
    ]
    if rows:
        title = "Error rates of the validation sequences (percent)"
        show_table(title, ["FPIR", "threshold", "FNIR", "DIR at rank 1"], rows[::-1], more="use --json")


def _notes_on(threshold: Threshold, false_accept: float) -> list[str]:
    """Return why the error rates of the validation set may mean little."""
    notes = []
    n = threshold.n_impostors
    missing = sorted({rate for rate in (false_accept, 0.01, 0.001, 0.0001) if 0 < rate * n < 1}, reverse=True)
    if missing:
        rates = ", ".join(f"{100 * rate:g} % (at least {math.ceil(1 / rate)})" for rate in missing)
        notes.append(f"{n} validation sequences are too few for an FPIR of {rates}")
    if threshold.n_in_gallery:
        reason = "have the name of a gallery sequence; if they are the same, FNIR and DIR are too good"
        notes.append(f"{threshold.n_in_gallery} validation sequences {reason}")
    return notes
