"""`skelgait poses`: what a dataset or a pose estimator gives, as a pose tree or store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.build import BuildReport


def poses(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(help="What the dataset or the pose estimator gives: a folder or a file.")],
    poses: options.Poses = None,
    layout: Annotated[str | None, options.field("poses.layout")] = None,
    names: Annotated[str | None, options.field("poses.names")] = None,
    pattern: Annotated[str | None, options.field("poses.pattern")] = None,
    person_index: Annotated[Path | None, options.field("poses.person_index")] = None,
    silhouette_images: Annotated[Path | None, options.field("poses.silhouette_images")] = None,
    storage: Annotated[str | None, options.field("poses.storage")] = None,
    compression: Annotated[str | None, options.field("poses.compression")] = None,
    workers: Annotated[int | None, options.field("poses.workers")] = None,
    overwrite: Annotated[bool | None, options.field("poses.overwrite", "--overwrite")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Read poses in any layout, and write a pose tree: one person a frame, in the order of time."""
    chosen = options.resolve(ctx, "poses")

    from skelgait.preprocess.poses import collect_poses
    from skelgait.raw.poses import open_raw
    from skelgait.runtime.progress import progress

    raw = open_raw(source, chosen.poses.layout, chosen.poses.names, chosen.poses.pattern)
    with progress(len(raw.keys), "Reading poses", "sequences") as advance:
        report = collect_poses(raw, chosen.paths.poses, chosen.poses, advance=advance)
    warn([f"{key}: {reason}" for key, reason in report.failed])
    _show(report, raw.layout.name, chosen.paths.poses, as_json)
    if report.failed:
        raise typer.Exit(1)


def _show(report: BuildReport, layout: str, out: Path, as_json: bool) -> None:
    totals = report.totals
    if as_json:
        made = [{"sequence": str(key), **counts} for key, counts in report.made.items()]
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        head = {"poses": out, "layout": layout, "sequences": len(report.made), "skipped": report.skipped}
        show_json({**head, **totals, "made": made, "failed": failed, "seconds": report.seconds})
        return
    show_counts(
        f"Poses in {out}",
        {
            "layout": layout,
            "sequences written": len(report.made),
            "frames": totals["frames"],
            "frames without anybody, left out": totals["no_person"],
            "frames with several people": totals["several_people"],
            "  the walker told by the index": totals["by_index"],
            "  by the silhouette": totals["by_silhouette"],
            "  by the continuity of the track": totals["by_continuity"],
            "joints that were no numbers, now 0, 0, 0": totals["not_finite"],
            "sequences there already": report.skipped,
            "sequences that cannot be read": len(report.failed),
            "seconds": round(report.seconds, 1),
        },
    )
