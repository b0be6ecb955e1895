"""`skelgait link`: maps and silhouettes of one sequence, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.pairs import Outcome, Pairing

_LEFT_OUT: tuple[Outcome, ...] = ("unreadable", "unequal", "no silhouettes", "no maps")


def link(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    maps: options.Maps = None,
    silhouettes: options.Silhouettes = None,
    pairs: options.Pairs = None,
    silhouette_pattern: Annotated[str | None, options.field("link.silhouette_pattern")] = None,
    on_mismatch: Annotated[str | None, options.field("link.on_mismatch")] = None,
    storage: Annotated[str | None, options.field("link.storage")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Pair skeleton maps with silhouettes."""
    chosen = options.resolve(ctx, "link")

    from skelgait.pipelines import workspace
    from skelgait.preprocess.pairs import REPORT_FILE, pair_sequences, write_pairs
    from skelgait.runtime.progress import progress

    map_source, silhouette_source = workspace.open_maps(chosen), workspace.open_silhouettes(chosen)
    total = len({*map_source.keys, *silhouette_source.keys})
    with progress(total, "Comparing", "sequences") as advance:
        pairing = pair_sequences(map_source, silhouette_source, on_mismatch=chosen.link.on_mismatch, advance=advance)
    pattern = workspace.silhouette_pattern(chosen) if chosen.link.storage == "hdf5" else None
    with progress(len(pairing.pairs), "Pairing", "sequences") as advance:
        changed = write_pairs(
            pairing, map_source, silhouette_source, chosen.paths.pairs, silhouette_pattern=pattern, advance=advance
        )
    _show(pairing, changed, chosen.paths.pairs, chosen.paths.pairs / REPORT_FILE, as_json)
    if pairing.with_outcome("unreadable"):
        raise typer.Exit(1)


def _show(pairing: Pairing, changed: int, out: Path, report: Path, as_json: bool) -> None:
    for outcome in _LEFT_OUT:
        warn([f"{sequence.key}: {sequence.reason or outcome}" for sequence in pairing.with_outcome(outcome)])
    if as_json:
        show_json({"out": out, "report": report, "changed": changed, **pairing.to_dict()})
        return
    counts = {str(outcome): count for outcome, count in pairing.counts.items()}
    show_counts(f"Pairs in {out}", {**counts, "pairs that are new or changed": changed, "report": report})
