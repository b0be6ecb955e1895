"""`skelgait silhouettes`: folders of PNG images as aligned silhouettes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.preprocess.build import BuildReport


def silhouettes(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(help="Folder of the images: a folder a sequence, a PNG a frame.")],
    silhouettes: options.Silhouettes = None,
    size_px: Annotated[int | None, options.field("silhouettes.size_px")] = None,
    names: Annotated[str | None, options.field("silhouettes.names")] = None,
    storage: Annotated[str | None, options.field("silhouettes.storage")] = None,
    compression: Annotated[str | None, options.field("silhouettes.compression")] = None,
    workers: Annotated[int | None, options.field("silhouettes.workers")] = None,
    overwrite: Annotated[bool | None, options.field("silhouettes.overwrite", "--overwrite")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Align silhouettes: crop each to the body's rows, resize it, and center it."""
    chosen = options.resolve(ctx, "silhouettes")

    from skelgait.preprocess.silhouettes import align_dataset
    from skelgait.raw.silhouettes import find_image_folders
    from skelgait.runtime.progress import progress

    images = find_image_folders(source, chosen.silhouettes.names)
    with progress(len(images.keys), "Aligning silhouettes", "sequences") as advance:
        report = align_dataset(images, chosen.paths.silhouettes, chosen.silhouettes, advance=advance)
    warn([f"{key}: {reason}" for key, reason in report.failed])
    _show(report, chosen.paths.silhouettes, as_json)
    if report.failed:
        raise typer.Exit(1)


def _show(report: BuildReport, out: Path, as_json: bool) -> None:
    frames, empty = report.totals["frames"], report.totals["empty"]
    if as_json:
        made = [{"sequence": str(key), **counts} for key, counts in report.made.items()]
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        totals = {"sequences": len(report.made), "frames": frames, "empty": empty, "skipped": report.skipped}
        show_json({"silhouettes": out, **totals, "made": made, "failed": failed, "seconds": report.seconds})
        return
    show_counts(
        f"Silhouettes in {out}",
        {
            "sequences aligned": len(report.made),
            "frames": frames,
            "empty frames, left out": empty,
            "sequences there already": report.skipped,
            "sequences that cannot be aligned": len(report.failed),
            "seconds": round(report.seconds, 1),
        },
    )
