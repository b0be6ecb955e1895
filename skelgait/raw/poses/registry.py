"""Registry of raw pose layouts, and recognition of the layout of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses.alphapose import ALPHAPOSE, PEOPLE_LIST
from skelgait.raw.poses.arrays import ARRAYS
from skelgait.raw.poses.casia_b_csv import CASIA_B_CSV
from skelgait.raw.poses.coco import COCO
from skelgait.raw.poses.detections import NO_OPTIONS, ReadOptions
from skelgait.raw.poses.frame_files import GAIT3D, GREW, OPENPOSE, OUMVLP
from skelgait.raw.poses.image_json import OPENPIFPAF, ULTRALYTICS, YOLO_VIDEO, YOLOV7
from skelgait.raw.poses.kinetics import KINETICS
from skelgait.raw.poses.layout import Layout, RawPoses, find_sequences
from skelgait.raw.poses.mmpose import MMPOSE
from skelgait.raw.poses.ntu import NTU
from skelgait.raw.poses.pickles import PICKLES
from skelgait.raw.poses.pyskl import PYSKL
from skelgait.raw.poses.tables import TABLE, table_layout
from skelgait.raw.poses.trc import TRC
from skelgait.raw.poses.unusable import describe_unusable
from skelgait.raw.poses.yolo_text import YOLO_TEXT

# Add a layout: its module, and its name in this tuple. The first layout that matches is used. Layouts that check file
# names come before layouts that check only contents.
LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        GREW, GAIT3D, OUMVLP, OPENPOSE, CASIA_B_CSV, PYSKL, PICKLES, ALPHAPOSE, MMPOSE, COCO, PEOPLE_LIST, ULTRALYTICS,
        YOLOV7, OPENPIFPAF, YOLO_VIDEO, KINETICS, YOLO_TEXT, TABLE, NTU, TRC, ARRAYS,
    )
}  # fmt: skip


def get_layout(name: str) -> Layout:
    """Return the layout with a name.

    Raises:
        SettingsError: if the name is unknown; the error suggests a similar one.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    similar = get_close_matches(name, LAYOUTS, n=1)
    hint = f"did you mean {similar[0]}?" if similar else "choose one of these layouts"
    raise SettingsError("--layout", name, f"one of {', '.join(LAYOUTS)}", hint)


def match_layout(sample: Sequence[Path]) -> Layout | None:
    """Return the layout that sample files of a dataset have; None if no layout matches."""
    return next((layout for layout in LAYOUTS.values() if layout.matches(sample)), None)


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
