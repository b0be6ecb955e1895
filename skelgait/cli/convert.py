"""`skelgait convert`: a pickle tree to an HDF5 store, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skelgait.cli import options
from skelgait.cli.output import show_counts, show_json, warn


def convert(
    ctx: typer.Context,
    source: Annotated[Path, typer.Argument(help="Poses, maps or silhouettes: a pickle tree or an HDF5 store.")],
    out: Annotated[Path, typer.Argument(help="Folder of the other kind of store.")],
    pattern: Annotated[str | None, options.field("convert.pattern")] = None,
    compression: Annotated[str | None, options.field("convert.compression")] = None,
    workers: Annotated[int | None, options.field("convert.workers")] = None,
    settings: options.SettingsFile = None,
    assignments: options.Assignments = [],  # noqa: B006 - typer copies it
    as_json: options.Json = False,
) -> None:
    """Convert a pickle tree to an HDF5 store, or a store to a tree, without loss."""
    chosen = options.resolve(ctx, "convert").convert

    from skelgait.preprocess.convert import convert_store
    from skelgait.runtime.progress import progress
    from skelgait.storage import open_any
    from skelgait.storage.backends import backend_at

    opened = open_any(source, chosen.pattern)
    with progress(len(opened.keys), "Converting", "sequences") as advance:
        report = convert_store(
            opened,
            out,
            backend_at(source).converts_to,
            compression=chosen.compression,
            workers=chosen.workers,
            advance=advance,
        )
    warn([f"{key}: {reason}" for key, reason in report.failed])
    counts = {"sequences": report.sequences, "skipped": report.skipped}
    if as_json:
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        show_json({"out": out, **counts, "failed": failed, "seconds": report.seconds})
    else:
        show_counts(
            f"{source} in {out}",
            {
                "sequences converted": report.sequences,
                "sequences there already": report.skipped,
                "sequences that cannot be read": len(report.failed),
                "seconds": round(report.seconds, 1),
            },
        )
    if report.failed:
        raise typer.Exit(1)
