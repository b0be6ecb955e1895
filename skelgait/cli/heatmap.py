"""`skelgait heatmap`: poses to skeleton maps."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.build import BuildReport
    from skelgait.settings import Settings


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
    compression: Annotated[str | None, options.field("heatmap.compression")] = None,
    device: Annotated[str | None, options.field("heatmap.device")] = None,
    workers: Annotated[int | None, options.field("heatmap.workers")] = None,
    nproc: Annotated[int | None, options.field("heatmap.nproc")] = None,
    preview: Annotated[int | None, options.field("heatmap.preview")] = None,
    overwrite: Annotated[bool | None, options.field("heatmap.overwrite", "--overwrite")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Draw skeleton maps of poses."""
    chosen = options.resolve(ctx, "heatmap")

    from skelgait.runtime.launch import launch, launched

    if chosen.heatmap.nproc > 1 and not launched():
        raise typer.Exit(launch(chosen.heatmap.nproc, sys.argv[1:]))
    report = _draw_together(chosen) if launched() else _draw(chosen)
    if report is None:
        return
    warn([f"{key}: {reason}" for key, reason in report.failed])
    previews = _preview(chosen) if report.sequences + report.skipped else []
    totals = report.totals
    counts: dict[str, object] = {
        "sequences": report.sequences,
        **{name: totals[name] for name in ("frames", "filled_joints", "empty_maps")},
        "skipped": report.skipped,
    }
    if as_json:
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        show_json(
            {"maps": chosen.paths.maps, **counts, "failed": failed, "seconds": report.seconds, "previews": previews}
        )
    else:
        show_counts(
            f"Skeleton maps in {chosen.paths.maps}",
            {
                "sequences drawn": report.sequences,
                "frames": totals["frames"],
                "joints filled": totals["filled_joints"],
                "empty maps": totals["empty_maps"],
                "sequences there already": report.skipped,
                "sequences that cannot be read": len(report.failed),
                **({"pictures in": chosen.paths.maps / "previews"} if previews else {}),
                "seconds": round(report.seconds, 1),
            },
        )
    if report.failed:
        raise typer.Exit(1)


def _draw(chosen: Settings) -> BuildReport:
    from skelgait.pipelines import workspace
    from skelgait.preprocess.maps import draw_dataset
    from skelgait.runtime.progress import progress

    source = workspace.open_poses(chosen)
    with progress(len(source.keys), "Drawing maps", "sequences") as advance:
        return draw_dataset(source, chosen.paths.maps, chosen.heatmap, advance=advance)


def _draw_together(chosen: Settings) -> BuildReport | None:
    """Draw a share of the maps; the first process gets the report of all, the others None."""
    import torch

    from skelgait.pipelines import workspace
    from skelgait.preprocess.maps import draw_dataset
    from skelgait.runtime.processes import join_processes, process_group
    from skelgait.runtime.progress import progress

    with join_processes(torch.device("cpu")):
        ours, source = process_group(), workspace.open_poses(chosen)
        with progress(len(source.keys), "Drawing maps", "sequences") as advance:
            # The bar is that of the first process, who has every size-th piece.
            def advance_all(n: int, status: str = "", /) -> None:
                advance(n * ours.size, status)

            report = draw_dataset(source, chosen.paths.maps, chosen.heatmap, group=ours, advance=advance_all)
        return report if ours.rank == 0 else None


def _preview(chosen: Settings) -> list[Path]:
    if not chosen.heatmap.preview:
        return []
    from skelgait.pipelines import workspace
    from skelgait.viz.preview import save_previews

    maps = workspace.open_maps(chosen)
    keys = maps.keys[: chosen.heatmap.preview]
    return [
        file for key in keys for file in save_previews(chosen.paths.maps / "previews", maps, key, chosen.show.frames)
    ]
