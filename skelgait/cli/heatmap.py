"""`skelgait heatmap`: skeleton maps from poses."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn
from skelgait.cli.processes import processes_on

if TYPE_CHECKING:
    from skelgait.settings import Settings


@command(
    "skelgait heatmap --dataset SUSTech1K",
    "skelgait heatmap --poses poses --maps maps --storage hdf5 --preview 4",
    flags={
        DATA: (
            "dataset", "paths.poses", "paths.maps", "heatmap.storage", "heatmap.compression", "heatmap.overwrite",
            "heatmap.force", "heatmap.preview", "wait",
        ),
        "Drawing": ("heatmap.canvas_px", "heatmap.sigma_px", "heatmap.size_px", "heatmap.fill", "heatmap.align"),
        COMPUTE: ("heatmap.device", "heatmap.workers", "heatmap.nproc"),
    },
)  # fmt: skip
def heatmap(settings: Settings, as_json: Json = False) -> None:
    """Draw skeleton maps from poses."""
    from skelgait.pipelines import workspace
    from skelgait.preprocess.maps import draw_dataset
    from skelgait.runtime.progress import progress

    maps = settings.paths.maps
    with processes_on("cpu", settings.heatmap.nproc) as group:
        source = workspace.open_poses(settings)
        with progress(len(source.keys), "Drawing maps", "sequences") as advance:

            def advance_all(n: int, status: str = "", /) -> None:
                # Only rank 0 shows progress; every process draws an equal share.
                advance(n * group.size, status)

            report = draw_dataset(source, maps, settings.heatmap, group=group, advance=advance_all)
    if group.rank != 0:
        return
    warn(report.warnings())
    previews = _preview(settings) if report.sequences + report.skipped else []
    totals = report.totals
    if as_json:
        counts = {name: totals[name] for name in ("frames", "filled_joints", "empty_maps", "odd_confidences")}
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        others = {"removed": list(map(str, report.removed)), "stale": list(map(str, report.stale))}
        show_json(
            {
                "maps": maps, "sequences": report.sequences, **counts, "skipped": report.skipped, "failed": failed,
                **others, "seconds": report.seconds, "previews": previews,
            }
        )  # fmt: skip
    else:
        show_counts(
            f"Skeleton maps in {maps}",
            {
                "sequences drawn": report.sequences,
                "frames": totals["frames"],
                "joints filled": totals["filled_joints"],
                "empty maps": totals["empty_maps"],
                "confidences outside 0 to 1": totals["odd_confidences"],
                "sequences skipped (already drawn)": report.skipped,
                "sequences removed (no longer in the poses)": len(report.removed),
                "sequences that cannot be read": len(report.failed),
                **({"previews": maps / "previews"} if previews else {}),
                "seconds": round(report.seconds, 1),
            },
        )
    if report.failed:
        raise typer.Exit(1)


def _preview(settings: Settings) -> list[Path]:
    """Draw previews of the first sequences; return their files."""
    if not settings.heatmap.preview:
        return []
    from skelgait.pipelines import workspace
    from skelgait.viz.preview import save_previews

    source, folder = workspace.open_maps(settings), settings.paths.maps / "previews"
    keys = source.keys[: settings.heatmap.preview]
    return [file for key in keys for file in save_previews(folder, source, key, settings.show.frames)]
