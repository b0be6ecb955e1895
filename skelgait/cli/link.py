"""`skelgait link`: maps and silhouettes of one sequence, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.pairing import Pairing


def link(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    maps: options.Maps = None,
    silhouettes: options.Silhouettes = None,
    pairs: options.Pairs = None,
    silhouette_pattern: Annotated[str | None, options.field("link.silhouette_pattern")] = None,
    storage: Annotated[str | None, options.field("link.storage")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Pair skeleton maps with silhouettes."""
    chosen = options.resolve(ctx, "link")

    from skelgait import workspace
    from skelgait.pairing import pair_sequences, write_pairs
    from skelgait.runtime.progress import progress

    map_source, silhouette_source = workspace.open_maps(chosen), workspace.open_silhouettes(chosen)
    with progress(len(map_source.keys), "Comparing", "sequences") as advance:
        pairing = pair_sequences(map_source, silhouette_source, advance)
    pattern = workspace.silhouette_pattern(chosen) if chosen.link.storage == "hdf5" else None
    changed = write_pairs(pairing, map_source, silhouette_source, chosen.pairs, silhouette_pattern=pattern)
    _show(pairing, changed, chosen.pairs, as_json)
    if pairing.unreadable:
        raise typer.Exit(1)


def _show(pairing: Pairing, changed: int, out: Path, as_json: bool) -> None:
    warn([f"{key}: {reason}" for key, reason in pairing.unreadable])
    warn([f"{key}: {n_maps} maps but {n_silhouettes} silhouettes" for key, n_maps, n_silhouettes in pairing.unequal])
    warn([f"{key}: no silhouettes" for key in pairing.maps_only])
    warn([f"{key}: no maps" for key in pairing.silhouettes_only])
    if as_json:
        show_json({"out": out, "changed": changed, **pairing.to_dict()})
        return
    show_counts(
        f"Pairs in {out}",
        {
            "paired": len(pairing.pairs),
            "of these new or changed": changed,
            "without silhouettes": len(pairing.maps_only),
            "without maps": len(pairing.silhouettes_only),
            "of unequal length, left out": len(pairing.unequal),
            "unreadable": len(pairing.unreadable),
        },
    )
