"""Inspection of any file or folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from skelgait.errors import DataError, PathLike
from skelgait.inspection.files import inspect_file
from skelgait.inspection.raw import inspect_images, inspect_raw_poses
from skelgait.inspection.report import Inspection, InspectionContext
from skelgait.inspection.storage import inspect_storage, inspect_unreadable_pickles
from skelgait.raw.file_tree import sample_files

# Data that commands read come first, then raw data that can be converted, then data that cannot.
_INSPECTORS = (inspect_file, inspect_storage, inspect_raw_poses, inspect_images, inspect_unreadable_pickles)


def inspect_path(path: PathLike, sequences: int = 100, names: str | None = None) -> Inspection:
    """Inspect a file or folder: recognize its content, find problems, and suggest the next command.

    Args:
        path: file, raw dataset, pickle tree, HDF5 store or folder of pairs.
        sequences: maximum number of sequences to read, evenly spaced.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`. Default: recognize.

    Raises:
        DataError: if there is no file, or the content is not recognized.
    """
    path = Path(path)
    context = InspectionContext(path, sample_files(path), sequences, names)
    for inspect in _INSPECTORS:
        inspection = inspect(context)
        if inspection is not None:
            return inspection
    raise _unknown(context)


def _unknown(context: InspectionContext) -> DataError:
    suffixes = Counter(path.suffix or "no suffix" for path in context.sample)
    counts = ", ".join(f"{n} {suffix}" for suffix, n in suffixes.most_common(4))
    found = f"files of unknown type (first files: {counts}; for example {context.sample[0]})" if counts else "no file"
    expected = "poses, maps, silhouettes, pairs, a partition or a checkpoint"
    return DataError(context.path, found, expected, "see examples/guide/own_data.md for the folder structure")
