"""Opening of a raw pose dataset, and recognition of its layout."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from skelgait.errors import DataError, PathLike, reading
from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses.detections import NO_OPTIONS, ReadOptions
from skelgait.raw.poses.layout import Layout, RawPoses, find_sequences
from skelgait.raw.poses.registry import LAYOUTS, get_layout
from skelgait.raw.poses.tables import table_layout
from skelgait.raw.poses.unusable import describe_unusable


def match_layout(sample: Sequence[Path]) -> Layout | None:
    """Return the layout that sample files of a dataset have; None if no layout matches."""
    return next((layout for layout in map(get_layout, LAYOUTS) if _matches(layout, sample)), None)


def _matches(layout: Layout, sample: Sequence[Path]) -> bool:
    with suppress(DataError), reading("", "", ""):  # reported when the file is read
        return layout.matches(sample)
    return False


def recognize_layout(root: Path) -> Layout:
    """Recognize the layout of a raw dataset from its first files.

    Raises:
        DataError: if there is no file, or no layout matches; the error describes the files.
    """
    sample = sample_files(root)
    layout = match_layout(sample)
    if layout is not None:
        return layout
    raise DataError(
        root,
        describe_unusable(sample),
        f"2D poses in one of the layouts {', '.join(LAYOUTS)}",
        "run a 2D pose estimator, describe a table with --skeleton FILE.yaml, or pass --layout to see why it fails",
    )


def open_raw(
    root: PathLike,
    layout: str | None = None,
    names: str | None = None,
    pattern: str | None = None,
    options: ReadOptions = NO_OPTIONS,
) -> RawPoses:
    """Open a raw dataset.

    Args:
        root: file or folder of the dataset.
        layout: name of the layout, one of `LAYOUTS`. Default: recognize.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`. Default: recognize.
        pattern: glob pattern of the files to read. Default: pattern of the layout.
        options: facts that the files do not tell.

    Raises:
        SettingsError: if the layout is unknown, or `names` does not match.
        DataError: if there is no sequence, no layout matches, or paths do not give distinct keys.
    """
    root = Path(root)
    if options.table is not None:
        selected: Layout = table_layout(options.table)
    else:
        selected = get_layout(layout) if layout else recognize_layout(root)
    return find_sequences(root, selected, names, pattern, options)
