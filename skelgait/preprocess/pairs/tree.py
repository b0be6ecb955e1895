"""Pairs as a pickle tree: links to whole sequences, and files of their own for those that are cut.

The report of the last run tells which of the files are ours, and so it lists at every moment all of those that are
there: what is to go, goes before it is written, and what is new comes after.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.pairs.outcome import CUT_OUTCOMES, Pairing
from skelgait.preprocess.pairs.report import cells_of, read_report, write_report
from skelgait.storage import Key, Modality, PickleTree, PickleTreeWriter, SequenceSource, open_pairs
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.atomic import remove_file
from skelgait.storage.frame_names import frame_names_file, read_frame_names
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, Cut

_NAMES = (MAP_LINK, SILHOUETTE_LINK)


def write_tree(
    pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, out: Path, advance: Callable[[int], None]
) -> int:
    """Make the tree `out` hold the pairs of `pairing`, each as `0_heatmap.pkl` and `1_sil.pkl`, and its report.

    Links are relative, so that a workspace can be moved as a whole. What is right already stays as it is, and what
    does not pair up any more is removed.

    Returns:
        The number of pairs that were not there before, or were others.

    Raises:
        SettingsError: a source is no pickle tree.
        DataError: a file that is not ours stands in the way, `out` cannot be written, or a source cannot be read.
    """
    sources = _tree(maps), _tree(silhouettes)
    if (out / PAIR_FILE).exists():
        raise DataError(out / PAIR_FILE, "pairs in an HDF5 file", "a tree of links", "remove it, or use --storage hdf5")
    lines = read_report(out)
    ours = {key for key, cells in lines.items() if cells[3] in CUT_OUTCOMES}
    _refuse_other_files(out, pairing.pairs, ours)
    _remove_others(out, pairing, lines, ours)
    write_report(out, pairing)
    changed = 0
    for sequence in pairing.sequences:
        if sequence.is_paired:
            if sequence.cut is None:
                changed += _link(sequence.key, *sources, out)
            else:
                changed += _cut(sequence.key, sequence.cut, *sources, out)
            advance(1)
    return changed


def _tree(source: SequenceSource) -> PickleTree:
    if isinstance(source, PickleTree):
        return source
    found, hint = "an HDF5 store, which has no files to link", "use --storage hdf5, which refers to both"
    raise SettingsError(source.path, found, "a pickle tree", hint)


def _refuse_other_files(out: Path, pairs: Collection[Key], ours: Collection[Key]) -> None:
    for key in pairs:
        for path in _paths(out, key):
            if path.exists() and not path.is_symlink() and key not in ours:
                hint = "name another folder with --pairs, or remove the file"
                raise DataError(path, "a file", "nothing, or a link", hint)


def _remove_others(out: Path, pairing: Pairing, lines: Mapping[Key, tuple[str, ...]], ours: Collection[Key]) -> None:
    """Remove the links of sequences that do not pair up, and our files of those that are not cut as they were."""
    pairs = set(pairing.pairs)
    same = {sequence.key for sequence in pairing.sequences if lines.get(sequence.key) == cells_of(sequence)}
    for key in sorted(_pairs_there(out) | set(ours)):
        for path in _paths(out, key):
            if path.is_symlink():
                if key not in pairs:
                    remove_file(path)
            elif key in ours and key not in same:
                remove_file(path)
                remove_file(frame_names_file(path))


def _pairs_there(out: Path) -> set[Key]:
    try:
        return set(open_pairs(out).keys)
    except DataError:  # there are none
        return set()


def _paths(out: Path, key: Key) -> Iterator[Path]:
    return (out.joinpath(*key, name) for name in _NAMES)


def _link(key: Key, maps: PickleTree, silhouettes: PickleTree, out: Path) -> bool:
    """Link a whole sequence; say whether there was anything to do."""
    targets = maps.file(key, "map"), silhouettes.file(key, "silhouette")
    changed = [_link_file(path, target) for path, target in zip(_paths(out, key), targets, strict=True)]
    return any(changed)


def _link_file(link: Path, target: Path) -> bool:
    relative = os.path.relpath(target.resolve(), link.parent.resolve())
    if link.is_symlink() and link.readlink() == Path(relative):
        return False
    fresh = link.with_name(f".{link.name}.new")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(relative)
        fresh.replace(link)
    except OSError as error:
        hint = "choose a folder that can be written, on a file system with symbolic links, or use --storage hdf5"
        raise DataError(link, error.strerror or str(error), "a link that can be made", hint) from error
    return True


def _cut(key: Key, cut: Cut, maps: PickleTree, silhouettes: PickleTree, out: Path) -> bool:
    """Write the frames of a sequence that are paired; say whether there was anything to do."""
    # The dates before reading: what changes from here on will be cut again.
    date_ns = max(_modified_ns(key, maps, "map"), _modified_ns(key, silhouettes, "silhouette"))
    sides = (maps, cut.n_maps, cut.maps), (silhouettes, cut.n_silhouettes, cut.silhouettes)
    changed = [_cut_file(path, key, *side, date_ns) for path, side in zip(_paths(out, key), sides, strict=True)]
    return any(changed)


def _modified_ns(key: Key, source: PickleTree, modality: Modality) -> int:
    """When a sequence or the names of its frames were last written."""
    names = frame_names_file(source.file(key, modality))
    return max(source.modified_ns(key), names.stat().st_mtime_ns if names.exists() else 0)


def _cut_file(path: Path, key: Key, source: PickleTree, n_frames: int, frames: NDArray[np.int64], date_ns: int) -> bool:
    names = source.frame_names(key)
    names = None if names is None else [names[frame] for frame in frames]
    if _is_current(path, len(frames), names, date_ns):
        return False

    def choose(length: int) -> NDArray[np.int64]:
        if length != n_frames:
            raise DataError(source.path.joinpath(*key), f"{length} frames", f"{n_frames} as before", "link again")
        return frames

    (array,) = source.read(key, choose)
    remove_file(path)  # a kill leaves no old frames beside new names
    PickleTreeWriter(path.parents[3]).write(key, array, path.stem, date_ns, names)
    return True


def _is_current(path: Path, n_frames: int, names: list[str] | None, date_ns: int) -> bool:
    """Whether a file of ours, which was cut from these sources before, holds the frames of today."""
    try:
        return (
            path.is_file()
            and not path.is_symlink()
            and path.stat().st_mtime_ns == date_ns
            and len(read_pickled_header(path)) == n_frames
            and read_frame_names(path, n_frames) == names
        )
    except DataError:  # a damaged file is written again
        return False
