"""`skelgait silhouettes`: aligned silhouettes from folders of PNG images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.build_report import BuildReport
    from skelgait.settings import Settings

_Source = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Folder of the images: one folder per sequence, one PNG per frame.")
]


@command(
    "skelgait silhouettes /data/Gait3D/2D_Silhouettes",
    "skelgait silhouettes images --silhouettes aligned --storage hdf5",
    flags={
        DATA: ("paths.silhouettes", "silhouettes.storage", "silhouettes.compression", "silhouettes.overwrite", "wait"),
        "Alignment": ("silhouettes.names", "silhouettes.size_px", "silhouettes.max_megapixels"),
        COMPUTE: ("silhouettes.workers",),
    },
)
def silhouettes(source: _Source, settings: Settings, as_json: Json = False) -> None:
    """Align silhouettes: crop to the body, resize and center."""
    from skelgait.preprocess.silhouettes import align_dataset
    from skelgait.raw.silhouettes import find_image_folders
    from skelgait.runtime.progress import progress

    config, out = settings.silhouettes, settings.paths.silhouettes
    images = find_image_folders(source, config.names)
    with progress(len(images.keys), "Aligning silhouettes", "sequences") as advance:
        report = align_dataset(images, out, config, advance=advance)
    warn(report.warnings())
    _show(report, out, as_json)
    if report.failed:
        raise typer.Exit(1)


def _show(report: BuildReport, out: Path, as_json: bool) -> None:
    frames, empty = report.totals["frames"], report.totals["empty"]
    if as_json:
        made = [{"sequence": str(key), **counts} for key, counts in report.made.items()]
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        others = {"removed": list(map(str, report.removed)), "stale": list(map(str, report.stale))}
        totals = {"sequences": len(report.made), "frames": frames, "empty": empty, "skipped": report.skipped}
        show_json({"silhouettes": out, **totals, "made": made, "failed": failed, **others, "seconds": report.seconds})
        return
    show_counts(
        f"Silhouettes in {out}",
        {
            "sequences aligned": len(report.made),
            "frames": frames,
            "empty frames, left out": empty,
            "sequences skipped (already aligned)": report.skipped,
            "sequences removed (no longer in the source)": len(report.removed),
            "sequences that cannot be aligned": len(report.failed),
            "seconds": round(report.seconds, 1),
        },
    )
