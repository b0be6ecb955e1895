"""`skelgait identify`: nearest enrolled people of each probe."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.gallery import describe_threshold
from skelgait.cli.output import show_json, show_lines, show_table, warn
from skelgait.cli.processes import processes_on
from skelgait.cli.thresholds import show_threshold, threshold_warnings
from skelgait.cli.watch import watch_people

if TYPE_CHECKING:
    from skelgait.pipelines.identify import Identification
    from skelgait.settings import Settings

_VALIDATION = "validation sequences"
_Probes = Annotated[
    str,
    typer.Argument(
        metavar="PATH", help="Probes: video, sequence, folder of these, camera number, stream URL, embedding file."
    ),
]


@command(
    "skelgait identify video.mp4 --gallery gallery.h5",
    "skelgait identify --watch rtsp://camera/stream --out matches.csv",
    flags={
        DATA: ("identify.watch", "identify.gallery", "identify.sequence", "identify.out", "identify.top", "wait"),
        "Threshold": ("identify.threshold", "identify.validation", "identify.false_accept"),
        "Network": (
            "identify.checkpoint", "identify.iteration", "identify.best", "paths.runs", "train.run_name",
            "identify.distance",
        ),
        "Videos": ("identify.preview", "video.estimator", "video.model"),
        COMPUTE: ("identify.device", "identify.nproc", "identify.batch_size"),
    },
)  # fmt: skip
def identify(path: _Probes, settings: Settings, as_json: Json = False) -> None:
    """Find the nearest enrolled people of each probe.

    Beyond the threshold, a probe is unknown. `skelgait gallery check` learns the threshold of a gallery.
    """
    from skelgait.pipelines.identify import identify_probes, write_ranking
    from skelgait.runtime.progress import progress
    from skelgait.storage.lock import lock_file

    config = settings.identify
    with processes_on(config.device, config.nproc) as group, lock_file(config.out, group):
        if config.watch:
            watch_people(settings, path, as_json=as_json)
            return
        result = identify_probes(settings, path, progress)
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
    others = ["runner-up", *(f"{k}." for k in range(3, n_listed + 1))][: n_listed - 1]
    header = [
        "probe",
        *(["seconds"] if result.tracks else []),
        *(["result"] if has_threshold else []),
        "person",
        "distance",
        *others,
    ]
    rows = []
    for probe in result.probes:
        best, *rest = probe.candidates
        known = [] if probe.accepted is None else ["known" if probe.accepted else "unknown"]
        people = [f"{candidate.identity} ({candidate.distance:.4f})" for candidate in rest]
        track = result.tracks.get(probe.probe)
        times = [f"{track.first_s:.1f} to {track.last_s:.1f}" if track else "-"] if result.tracks else []
        rows.append([str(probe.probe), *times, *known, best.identity, f"{best.distance:.4f}", *people])
    title = f"Nearest of {result.n_people} enrolled people, {result.n_sequences} sequences (distance)"
    keep = [column for column in header if column not in others]
    show_table(title, header, rows, more="use a wider terminal, or --json", keep=keep)
    _show_threshold(result)
    if out:
        show_lines("Ranking", [str(out)])
    if result.previews:
        show_lines("Previews", map(str, result.previews))
    if result.learned:
        warn(threshold_warnings(result.learned, false_accept, _VALIDATION))
    if result.n_in_gallery:
        reason = "have the name of a gallery sequence, and may be compared with themselves"
        warn([f"{result.n_in_gallery} of {len(result.probes)} probes {reason}"])
    if result.n_truncated:
        warn([f"{result.n_truncated} of {len(result.probes)} probes were longer than identify.max_frames and were cut"])


def _show_threshold(result: Identification) -> None:
    if result.learned:
        show_threshold(result.learned, "the validation sequences")
    elif result.stored:
        show_lines("Threshold", [describe_threshold(result.stored)])
    elif result.threshold is None:
        hint = f"run `skelgait gallery check {shlex.quote(str(result.gallery))}`"
        show_lines("Threshold", [f"none, unknown people are listed with their nearest match; {hint}"])
