"""`skelgait enroll`: sequences of a person, added to a gallery."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_facts, show_json, show_table, warn
from skelgait.cli.processes import processes_on
from skelgait.cli.similarities import similarities_as_json, similarity_warnings

if TYPE_CHECKING:
    from skelgait.pipelines.enroll import Enrollment
    from skelgait.settings import Settings

_Walks = Annotated[
    str,
    typer.Argument(metavar="PATH", help="Video, sequence, folder of these, camera number, stream URL, embedding file."),
]
_Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="<text>",
        help="Name of the person; default: the identities of the sequences.",
        rich_help_panel=DATA,
    ),
]


@command(
    "skelgait enroll walks/anna --name anna --gallery gallery.h5",
    "skelgait enroll poses --checkpoint best.pt",
    flags={
        DATA: ("enroll.gallery", "enroll.sequence", "wait"),
        "Network": (
            "enroll.checkpoint", "enroll.iteration", "enroll.best", "paths.runs", "train.run_name", "enroll.max_frames",
        ),
        "Videos": ("video.estimator", "video.model"),
        COMPUTE: ("enroll.device", "enroll.nproc", "enroll.batch_size"),
    },
)  # fmt: skip
def enroll(path: _Walks, settings: Settings, name: _Name = None, as_json: Json = False) -> None:
    """Add walks of a person to a gallery for identification.

    A new gallery needs a checkpoint or a run. Sequences that the person has already are left out.
    """
    from skelgait.pipelines.enroll import enroll_path
    from skelgait.runtime.progress import progress

    config = settings.enroll
    with processes_on(config.device, config.nproc):
        result = enroll_path(settings, path, name, progress)
    if result is None:
        return
    if as_json:
        show_json(enrollment_as_json(result))
        return
    _show(result)


def enrollment_as_json(result: Enrollment) -> dict[str, object]:
    """Return an enrollment as JSON data; sequences are written as identity/condition/view."""
    entries = [
        {"sequence": str(key), "frames": frames, **asdict(origin)}
        for key, frames, origin in zip(result.enrolled, result.frames, result.origins, strict=True)
    ]
    return {
        "gallery": str(result.gallery),
        "enrolled": entries,
        "known": list(map(str, result.known)),
        "n_truncated": result.n_truncated,
        **similarities_as_json(result.similar),
        "n_people": result.n_people,
        "n_sequences": result.n_sequences,
    }


def _show(result: Enrollment) -> None:
    rows = [
        [str(key), str(frames), origin.source]
        for key, frames, origin in zip(result.enrolled, result.frames, result.origins, strict=True)
    ]
    if rows:
        show_table(f"Enrolled in {result.gallery}", ["sequence", "frames", "from"], rows)
    show_facts(str(result.gallery), {"people": result.n_people, "sequences": result.n_sequences})
    notes = similarity_warnings(result.gallery, result.similar)
    if result.known:
        notes.insert(0, f"{len(result.known)} sequences are enrolled already, and were left out")
    if result.n_truncated:
        notes.append(f"{result.n_truncated} sequences were longer than enroll.max_frames and were cut")
    warn(notes)
