"""Inspection of any file or folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.inspection.files import inspect_file
from skelgait.inspection.raw import inspect_images, inspect_raw_poses
from skelgait.inspection.report import Inspection, InspectionContext
from skelgait.inspection.storage import inspect_storage, inspect_unreadable_pickles
from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses.unusable import describe_unusable

# Data that commands read come first, then raw data that can be converted, then data that cannot.
_INSPECTORS = (inspect_file, inspect_storage, inspect_raw_poses, inspect_images, inspect_unreadable_pickles)


def inspect_path(
    path: PathLike, sequences: int = 100, names: str | None = None, pictures: PathLike | None = None
) -> Inspection:
    """Inspect a file or folder: recognize its content, find problems, and suggest the next command.

    Args:
        path: file, raw dataset, pickle tree, HDF5 store or folder of pairs.
        sequences: maximum number of sequences to read, evenly spaced.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`. Default: recognize.
        pictures: folder for a picture of the person tracks of each video. Default: draw none.

    Raises:
        DataError: if there is no file, or the content is not recognized.
        SettingsError: if `pictures` is set, and the path holds no raw poses, or matplotlib is not installed.
    """
    path = Path(path)
    folder = None if pictures is None else Path(pictures)
    context = InspectionContext(path, sample_files(path), sequences, names, folder)
    for inspect in _INSPECTORS:
        inspection = inspect(context)
        if inspection is not None:
            if pictures is not None and inspect is not inspect_raw_poses:
                hint = f"skelgait show {shlex.quote(str(path))}"
                raise SettingsError("--pictures", inspection.description, "raw poses of people", hint)
            return inspection
    raise _unknown(context)


def _unknown(context: InspectionContext) -> DataError:
    found = describe_unusable(context.sample)
    expected = "poses, maps, silhouettes, pairs, a partition or a checkpoint"
    return DataError(
        context.path,
        found,
        expected,
        "skelgait needs 2D joints, see examples/guide/raw_data.md for the formats and folders",
    )
