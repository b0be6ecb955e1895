"""`skelgait poses`: poses from a dataset or a pose estimator, converted to skelgait's format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from collections.abc import Callable

    from skelgait.preprocess.build_report import BuildReport
    from skelgait.runtime.advance import Advance
    from skelgait.settings import Settings

_Source = Annotated[Path, typer.Argument(metavar="SOURCE", help="Folder or file of the dataset or the pose estimator.")]


@command(
    "skelgait poses /data/Gait3D/2D_Poses",
    "skelgait poses alphapose --names '{identity}/{condition}/{view}'",
    flags={
        DATA: ("paths.poses", "poses.storage", "poses.compression", "poses.overwrite", "poses.force", "wait"),
        "Source": (
            "poses.layout",
            "poses.names",
            "poses.pattern",
            "poses.skeleton",
            "poses.image_size",
        ),
        "People": (
            "poses.people",
            "poses.person",
            "poses.min_frames",
            "poses.person_index",
            "poses.silhouette_images",
            "poses.max_megapixels",
        ),
        COMPUTE: ("poses.workers",),
    },
)
def poses(source: _Source, settings: Settings, as_json: Json = False) -> None:
    """Convert poses of any format, one person a sequence.

    People are tracked. The walker is chosen by person index or silhouettes, else by size, time and walking.
    """
    from skelgait.preprocess.poses import collect_poses
    from skelgait.raw.poses import open_raw, read_options, report_bytes
    from skelgait.runtime.progress import progress

    config, out = settings.poses, settings.paths.poses
    options = read_options(config.skeleton, config.image_size)
    with progress(None, "Scanning files", "MB") as advance, report_bytes(_megabytes(advance)):
        raw = open_raw(source, config.layout, config.names, config.pattern, options)
    with progress(len(raw.keys), "Reading poses", "sequences") as advance:
        report = collect_poses(raw, out, config, advance=advance)
    warn(report.warnings())
    _show(report, raw.layout.name, out, as_json)
    if report.failed:
        raise typer.Exit(1)


def _megabytes(advance: Advance) -> Callable[[int], None]:
    """Return a callback for bytes that advances a progress bar in megabytes."""
    remainder = 0

    def advance_bytes(n: int) -> None:
        nonlocal remainder
        megabytes, remainder = divmod(remainder + n, 1_000_000)
        if megabytes:
            advance(megabytes)

    return advance_bytes


def _show(report: BuildReport, layout: str, out: Path, as_json: bool) -> None:
    totals = report.totals
    if as_json:
        made = [{"sequence": str(key), **counts} for key, counts in report.made.items()]
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        others = {
            "removed": list(map(str, report.removed)), "stale": list(map(str, report.stale)), "faults": report.faults,
        }  # fmt: skip
        head = {"poses": out, "layout": layout, "sequences": len(report.made), "skipped": report.skipped}
        show_json({**head, **totals, "made": made, "failed": failed, **others, "seconds": report.seconds})
        return
    show_counts(
        f"Poses in {out}",
        {
            "layout": layout,
            "sequences written": len(report.made),
            "frames": totals["frames"],
            "frames without people, left out": totals["no_person"],
            "frames with several people": totals["several_people"],
            "  walker chosen by person index": totals["by_index"],
            "  walker chosen by silhouette": totals["by_silhouette"],
            "  walker chosen by track continuity": totals["by_continuity"],
            "frames without the person, left out": totals["without_walker"],
            "joined tracks": totals["joins"],
            "steps that jump": totals["jumps"],
            "joints that are not finite or beyond any image, set to 0": totals["not_finite"],
            "people without joints, dropped": totals["without_joints"],
            "confidences outside 0 to 1, clipped": totals["clipped"],
            "empty or damaged files": totals["unreadable_files"],
            "sequences skipped (already written)": report.skipped,
            "sequences removed (no longer in the source)": len(report.removed),
            "sequences that cannot be read": len(report.failed),
            "seconds": round(report.seconds, 1),
        },
    )
