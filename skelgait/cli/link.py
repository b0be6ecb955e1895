"""`skelgait link`: pairs of skeleton maps and silhouettes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from skelgait.cli.command import DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.pairs import Outcome, Pairing
    from skelgait.settings import Settings

_WARN_ABOUT: tuple[Outcome, ...] = ("unreadable", "unequal", "no silhouettes", "no maps")


@command(
    "skelgait link --dataset SUSTech1K",
    "skelgait link --maps maps --silhouettes silhouettes --on-mismatch trim",
    flags={
        DATA: (
            "dataset",
            "paths.maps",
            "paths.silhouettes",
            "paths.pairs",
            "link.silhouette_pattern",
            "link.storage",
            "wait",
        ),
        "Pairing": ("link.on_mismatch", "link.frame_offset"),
    },
)  # fmt: skip
def link(settings: Settings, as_json: Json = False) -> None:
    """Pair skeleton maps with silhouettes, for SkeletonGait++."""
    from skelgait.pipelines import workspace
    from skelgait.preprocess.pairs import REPORT_FILE, pair_sequences, write_pairs
    from skelgait.runtime.progress import progress

    config, out = settings.link, settings.paths.pairs
    maps, silhouettes = workspace.open_maps(settings), workspace.open_silhouettes(settings)
    with progress(len({*maps.keys, *silhouettes.keys}), "Comparing", "sequences") as advance:
        pairing = pair_sequences(
            maps,
            silhouettes,
            on_mismatch=config.on_mismatch,
            frame_offset=config.frame_offset,
            advance=advance,
        )
    pattern = workspace.silhouette_pattern(settings) if config.storage == "hdf5" else None
    with progress(len(pairing.pairs), "Pairing", "sequences") as advance:
        changed = write_pairs(pairing, maps, silhouettes, out, silhouette_pattern=pattern, advance=advance)
    _show(pairing, changed, out, out / REPORT_FILE, as_json)
    if pairing.with_outcome("unreadable"):
        raise typer.Exit(1)


def _show(pairing: Pairing, changed: int, out: Path, report: Path, as_json: bool) -> None:
    offset = pairing.frame_offset
    warn([f"{key}: best frame offset {vote}, not {offset.value}" for key, vote in offset.dissenters.items()])
    for outcome in _WARN_ABOUT:
        warn([f"{sequence.key}: {sequence.reason or outcome}" for sequence in pairing.with_outcome(outcome)])
    if as_json:
        show_json({"out": out, "report": report, "changed": changed, **pairing.to_dict()})
        return
    counts = {str(outcome): count for outcome, count in pairing.counts.items()}
    shown = {"frame offset": offset} if offset.note else {}
    show_counts(f"Pairs in {out}", {**counts, "new or changed pairs": changed, **shown, "report": report})
