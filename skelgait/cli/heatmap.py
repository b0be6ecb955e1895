"""`skelgait heatmap`: poses to skeleton maps."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.show import show_counts, show_json, warn


def heatmap(
    ctx: typer.Context,
    dataset: options.Dataset = None,
    poses: options.Poses = None,
    maps: options.Maps = None,
    canvas_px: Annotated[int | None, options.field("heatmap.canvas_px")] = None,
    sigma_px: Annotated[float | None, options.field("heatmap.sigma_px")] = None,
    size_px: Annotated[int | None, options.field("heatmap.size_px")] = None,
    fill: Annotated[str | None, options.field("heatmap.fill")] = None,
    align: Annotated[bool | None, options.field("heatmap.align", "--align/--no-align")] = None,
    storage: Annotated[str | None, options.field("heatmap.storage")] = None,
    workers: Annotated[int | None, options.field("heatmap.workers")] = None,
    overwrite: Annotated[bool | None, options.field("heatmap.overwrite", "--overwrite")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Draw skeleton maps: a pose tree to a map tree."""
    chosen = options.resolve(ctx, "heatmap")

    from skelgait import workspace
    from skelgait.heatmap import draw_dataset
    from skelgait.runtime.progress import progress

    source = workspace.open_poses(chosen)
    with progress(len(source.keys), "Drawing maps", "sequences") as advance:
        report = draw_dataset(source, chosen.maps, chosen.heatmap, advance)
    warn([f"{key}: {reason}" for key, reason in report.failed])
    if as_json:
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        show_json({"maps": chosen.maps, **asdict(report), "failed": failed})
    else:
        show_counts(
            f"Skeleton maps in {chosen.maps}",
            {
                "sequences drawn": report.sequences,
                "frames": report.frames,
                "joints filled": report.filled_joints,
                "empty maps": report.empty_maps,
                "sequences there already": report.skipped,
                "sequences that cannot be read": len(report.failed),
                "seconds": round(report.seconds, 1),
            },
        )
    if report.failed:
        raise typer.Exit(1)
