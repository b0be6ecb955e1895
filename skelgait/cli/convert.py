"""`skelgait convert`: pickle trees to HDF5, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skelgait.cli.command import COMPUTE, DATA, Json, command
from skelgait.cli.output import show_counts, show_json, warn

if TYPE_CHECKING:
    from skelgait.settings import Settings

_Source = Annotated[
    Path, typer.Argument(metavar="SOURCE", help="Folder of poses, maps or silhouettes, as pickle tree or HDF5.")
]
_Out = Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write, in the other format.")]


@command(
    "skelgait convert maps maps-hdf5",
    "skelgait convert maps-hdf5 maps-tree --workers 8",
    flags={DATA: ("convert.pattern", "convert.compression", "wait"), COMPUTE: ("convert.workers",)},
)
def convert(source: _Source, out: _Out, settings: Settings, as_json: Json = False) -> None:
    """Convert a pickle tree to HDF5, or HDF5 to a pickle tree."""
    from skelgait.preprocess.convert import convert_store
    from skelgait.runtime.progress import progress
    from skelgait.storage import open_any
    from skelgait.storage.backends import backend_at

    config = settings.convert
    opened = open_any(source, config.pattern)
    with progress(len(opened.keys), "Converting", "sequences") as advance:
        report = convert_store(
            opened,
            out,
            backend_at(source).converts_to,
            compression=config.compression,
            workers=config.workers,
            advance=advance,
        )
    warn(report.warnings())
    counts = {"sequences": report.sequences, "skipped": report.skipped}
    if as_json:
        failed = [{"sequence": str(key), "reason": reason} for key, reason in report.failed]
        others = {"removed": list(map(str, report.removed)), "stale": list(map(str, report.stale))}
        show_json({"out": out, **counts, "failed": failed, **others, "seconds": report.seconds})
    else:
        show_counts(
            f"{source} converted to {out}",
            {
                "sequences converted": report.sequences,
                "sequences skipped (already converted)": report.skipped,
                "sequences removed (no longer in the source)": len(report.removed),
                "sequences that cannot be read": len(report.failed),
                "seconds": round(report.seconds, 1),
            },
        )
    if report.failed:
        raise typer.Exit(1)
