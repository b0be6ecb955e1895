"""Which layout a raw dataset is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.raw.file_tree import sample_files
from skelgait.raw.poses.alphapose import ALPHAPOSE
from skelgait.raw.poses.casia_b_csv import CASIA_B_CSV
from skelgait.raw.poses.coco import COCO
from skelgait.raw.poses.frame_files import GAIT3D, GREW, OPENPOSE, OUMVLP
from skelgait.raw.poses.layout import Layout, RawPoses, find_sequences
from skelgait.raw.poses.mmpose import MMPOSE
from skelgait.raw.poses.pickles import PICKLES, why_no_poses
from skelgait.raw.poses.pyskl import PYSKL

# The first that fits: those that look at names before those that look at contents alone.
LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (GREW, GAIT3D, OUMVLP, OPENPOSE, CASIA_B_CSV, PYSKL, PICKLES, ALPHAPOSE, MMPOSE, COCO)
}


def get_layout(name: str) -> Layout:
    """The layout of that name.

    Raises:
        SettingsError: there is none; names the nearest.
    """
    if name in LAYOUTS:
        return LAYOUTS[name]
    near = get_close_matches(name, LAYOUTS, n=1)
    hint = f"did you mean {near[0]}?" if near else "choose one of them"
    raise SettingsError("--layout", name, f"one of {', '.join(LAYOUTS)}", hint)


def match_layout(sample: Sequence[Path]) -> Layout | None:
    """The layout that some of a dataset's files look like; None where there is none."""
    return next((layout for layout in LAYOUTS.values() if layout.matches(sample)), None)


def recognize_layout(root: Path) -> Layout:
    """The layout that a raw dataset is in, by some of its files.

    Raises:
        DataError: there is nothing, or nothing that is known; says what there is.
    """
    sample = sample_files(root)
    layout = match_layout(sample)
    if layout is not None:
        return layout
    raise DataError(
        root,
        _found(sample),
        f"poses in one of the layouts {', '.join(LAYOUTS)}",
        f"ask `skelgait inspect {root}` what is there, or name the layout with --layout to hear why it does not fit",
    )


def open_raw(root: Path, layout: str | None = None, names: str | None = None, pattern: str | None = None) -> RawPoses:
    """Open a raw dataset.

    Args:
        root: its file or folder.
        layout: the name of the form that it is in; recognized where None.
        names: how its paths are named, see `skelgait.raw.keys.sequence_keys`; recognized where None.
        pattern: of the files to look at; the layout's own where None.

    Raises:
        SettingsError: there is no such layout, or `names` does not fit.
        DataError: there is no sequence, no known layout, or the paths do not tell which sequence is which.
    """
    return find_sequences(root, get_layout(layout) if layout else recognize_layout(root), names, pattern)


def _found(sample: list[Path]) -> str:
    if not sample:
        return "no file"
    endings = Counter(path.suffix or "no ending" for path in sample)
    kinds = ", ".join(f"{n} {ending}" for ending, n in endings.most_common(4))
    pickles = (path for path in sample if path.suffix == ".pkl")
    what = next((f"{path.name} has {why_no_poses(path)}" for path in pickles), f"for example {sample[0].name}")
    return f"files that are no poses (of the first ones {kinds}; {what})"
