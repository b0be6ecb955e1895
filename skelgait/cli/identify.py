"""`skelgait identify`: who it is, among the people of a gallery."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_json, show_lines, show_table, warn

if TYPE_CHECKING:
    from skelgait.evaluation.identification import Threshold
    from skelgait.pipelines.identify import Identification


def identify(
    ctx: typer.Context,
    path: Annotated[Path, typer.Argument(help="Who is asked for: a sequence or a folder of them, or embeddings.")],
    gallery: Annotated[Path | None, options.field("identify.gallery")] = None,
    top: Annotated[int | None, options.field("identify.top")] = None,
    threshold: Annotated[float | None, options.field("identify.threshold")] = None,
    validation: Annotated[Path | None, options.field("identify.validation")] = None,
    false_accept: Annotated[float | None, options.field("identify.false_accept")] = None,
    out: Annotated[Path | None, options.field("identify.out")] = None,
    sequence: Annotated[str | None, options.field("identify.sequence")] = None,
    checkpoint: Annotated[Path | None, options.field("identify.checkpoint")] = None,
    iteration: Annotated[int | None, options.field("identify.iteration")] = None,
    best: Annotated[bool | None, options.field("identify.best", "--best")] = None,
    run: options.Run = None,
    runs: options.Runs = None,
    distance: Annotated[str | None, options.field("identify.distance")] = None,
    batch_size: Annotated[int | None, options.field("identify.batch_size")] = None,
    nproc: Annotated[int | None, options.field("identify.nproc")] = None,
    device: Annotated[str | None, options.field("identify.device")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Say who is most like each probe: poses, maps, pairs or embeddings against a file of known people."""
    chosen = options.resolve(ctx, "identify")

    from skelgait.runtime.launch import launch, launched

    if chosen.identify.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.identify.nproc, sys.argv[1:]))

    from skelgait.pipelines.identify import identify_probes, write_ranking
    from skelgait.runtime.devices import pick_device
    from skelgait.runtime.processes import join_processes
    from skelgait.runtime.progress import progress

    own = pick_device(chosen.identify.device)
    with join_processes(own), progress(None, "Embedding", "sequences") as advance:
        found = identify_probes(chosen, path, own, advance)
    if found is None:
        return
    if chosen.identify.out:
        write_ranking(chosen.identify.out, found)
    if as_json:
        show_json(found.to_dict())
    else:
        _show(found, chosen.identify.out)


def _show(found: Identification, out: Path | None) -> None:
    n = len(found.probes[0].candidates)
    header = ["probe", *(["known"] if found.threshold is not None else []), *(f"{k}." for k in range(1, n + 1))]
    rows = []
    for of in found.probes:
        people = [f"{c.identity} ({c.distance:.3f})" for c in of.candidates]
        known = [] if of.is_known is None else ["yes" if of.is_known else "no"]
        rows.append([str(of.probe), *known, *people])
    title = f"Nearest of {found.n_people} people, {found.n_sequences} sequences (distance)"
    show_table(title, header, rows)
    if found.learned:
        show_lines("Threshold", [_spelled(found.learned)])
    if out:
        show_lines("Ranking", [str(out)])
    if found.n_enrolled:
        said = "have the name of a sequence in the gallery: the same sequence finds itself"
        warn([f"{found.n_enrolled} of {len(found.probes)} probes {said}"])
    if found.n_cut:
        warn([f"{found.n_cut} of {len(found.probes)} probes were longer than identify.max_frames and cut"])


def _spelled(of: Threshold) -> str:
    text = f"distance {of.distance:.4f}: {100 * of.false_accepts:.2f} % of {of.n_strangers} strangers accepted"
    if of.true_accepts is None:
        return text
    return f"{text}, and as themselves {100 * of.true_accepts:.1f} % of {of.n_known} sequences of known people"
