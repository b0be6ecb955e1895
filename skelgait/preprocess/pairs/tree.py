"""Writing pairs as a pickle tree: links to complete sequences, and new files for sequences paired in part.

The report of the last run shows which files skelgait wrote. It lists all such files at any time: files are removed
before the new report is written, and new files are added after it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.pairs.outcome import PARTIAL_OUTCOMES, Pairing
from skelgait.preprocess.pairs.report import csv_row, read_report, write_report
from skelgait.runtime.advance import Advance
from skelgait.storage import Key, Modality, PickleTree, PickleTreeWriter, SequenceSource, open_pairs
from skelgait.storage.arrays import read_pickled_header
from skelgait.storage.atomic import linked_folder, partial_path, remove_below, remove_file
from skelgait.storage.frame_names import frame_names_file, read_frame_names, source_of_frame_names
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, FramePairs
from skelgait.storage.times import is_same_time, joint_time_ns

_FILES = (MAP_LINK, SILHOUETTE_LINK)


def write_tree(pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, out: Path, advance: Advance) -> int:
    """Write the pairs of `pairing` as `0_heatmap.pkl` and `1_sil.pkl`, and the report, into the tree `out`.

    Links are relative, so that a workspace can be moved as a whole. Correct files are kept, and files of sequences that
    are no longer paired are removed.

    Returns:
        Number of new or changed pairs.

    Raises:
        SettingsError: if a source is not a pickle tree.
        DataError: if a file of another origin is in the way, `out` cannot be written, or a source cannot be read.
    """
    sources = _as_tree(maps), _as_tree(silhouettes)
    if (out / PAIR_FILE).exists():
        raise DataError(out / PAIR_FILE, "pairs in an HDF5 file", "a tree of links", "remove it, or use --storage hdf5")
    rows = read_report(out)
    written = {key for key, row in rows.items() if row[3] in PARTIAL_OUTCOMES}
    _check_foreign_files(out, pairing.pairs, written)
    _remove_outdated(out, pairing, rows, written)
    write_report(out, pairing)
    changed = 0
    for sequence in pairing.sequences:
        if sequence.is_paired:
            if sequence.frame_pairs is None:
                changed += _link(sequence.key, *sources, out)
            else:
                changed += _write_frames(sequence.key, sequence.frame_pairs, *sources, out)
            advance(1)
    return changed


def _as_tree(source: SequenceSource) -> PickleTree:
    if isinstance(source, PickleTree):
        return source
    found, hint = f"{source.title}, which has no files to link to", "use --storage hdf5, which works with any storage"
    raise SettingsError(source.path, found, "a pickle tree", hint)


def _check_foreign_files(out: Path, pairs: Collection[Key], written: Collection[Key]) -> None:
    for key in pairs:
        if folder := linked_folder(out, out.joinpath(*key, MAP_LINK)):
            found, hint = f"a link to {folder.readlink()}, where this would change files", "remove the link"
            raise DataError(folder, found, "a folder", hint)
        for path in _paths(out, key):
            if path.exists() and not path.is_symlink() and key not in written:
                hint = "choose another folder with --pairs, or remove the file"
                raise DataError(path, "a file", "no file, or a link", hint)


def _remove_outdated(
    out: Path, pairing: Pairing, rows: Mapping[Key, tuple[str, ...]], written: Collection[Key]
) -> None:
    """Remove links of sequences that are not paired, and written files whose frames have another origin now."""
    pairs = set(pairing.pairs)
    unchanged = {sequence.key for sequence in pairing.sequences if rows.get(sequence.key) == csv_row(sequence)}
    for key in sorted(_existing_pairs(out) | set(written)):
        for path in _paths(out, key):
            if path.is_symlink():
                if key not in pairs:
                    remove_below(out, path)
            elif key in written and key not in unchanged:
                remove_below(out, path)
                remove_below(out.absolute(), frame_names_file(path))


def _existing_pairs(out: Path) -> set[Key]:
    try:
        return set(open_pairs(out).keys)
    except DataError:  # no pairs
        return set()


def _paths(out: Path, key: Key) -> Iterator[Path]:
    return (out.joinpath(*key, name) for name in _FILES)


def _link(key: Key, maps: PickleTree, silhouettes: PickleTree, out: Path) -> bool:
    """Link a complete sequence; return True if a link was new or wrong."""
    targets = maps.file(key, "map"), silhouettes.file(key, "silhouette")
    changed = [_link_file(path, target) for path, target in zip(_paths(out, key), targets, strict=True)]
    return any(changed)


def _link_file(link: Path, target: Path) -> bool:
    relative = os.path.relpath(target.resolve(), link.parent.resolve())
    if link.is_symlink() and link.readlink() == Path(relative):
        return False
    temporary = partial_path(link)
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        temporary.symlink_to(relative)
        temporary.replace(link)
    except OSError as error:
        hint = "choose a writable folder on a file system with symbolic links, or use --storage hdf5"
        raise DataError(link, error.strerror or str(error), "a link that can be made", hint) from error
    return True


def _write_frames(key: Key, frame_pairs: FramePairs, maps: PickleTree, silhouettes: PickleTree, out: Path) -> bool:
    """Write the paired frames of a sequence; return True if a file was new or outdated."""
    # Read the times first: a later change of a source is then noticed by the next run.
    modified_ns = joint_time_ns([*_times_ns(key, maps, "map"), *_times_ns(key, silhouettes, "silhouette")])
    map_path, silhouette_path = _paths(out, key)
    changed = [
        _write_file(map_path, key, maps, frame_pairs.n_maps, frame_pairs.maps, modified_ns),
        _write_file(silhouette_path, key, silhouettes, frame_pairs.n_silhouettes, frame_pairs.silhouettes, modified_ns),
    ]
    return any(changed)


def _times_ns(key: Key, source: PickleTree, modality: Modality) -> list[int]:
    """Return the times at which a sequence and the names of its frames were last written."""
    names = source_of_frame_names(source.file(key, modality))
    return [source.modified_ns(key), *([names.stat().st_mtime_ns] if names.exists() else [])]


def _write_file(
    path: Path, key: Key, source: PickleTree, n_frames: int, indices: NDArray[np.int64], modified_ns: int
) -> bool:
    names = source.frame_names(key)
    names = None if names is None else [names[index] for index in indices]
    if _is_current(path, len(indices), names, modified_ns):
        return False

    def choose(length: int) -> NDArray[np.int64]:
        if length != n_frames:
            raise DataError(source.path.joinpath(*key), f"{length} frames", f"{n_frames} as before", "link again")
        return indices

    (array,) = source.read(key, choose)
    remove_file(path)  # so that a kill never leaves old frames with new names
    PickleTreeWriter(path.parents[3]).write(key, array, path.stem, modified_ns, names)
    return True


def _is_current(path: Path, n_frames: int, names: list[str] | None, modified_ns: int) -> bool:
    """Return True if a file is undamaged, and its sources have not changed since it was written."""
    try:
        return (
            path.is_file()
            and not path.is_symlink()
            and is_same_time(path.stat().st_mtime_ns, modified_ns)
            and len(read_pickled_header(path)) == n_frames
            and read_frame_names(path, n_frames) == names
        )
    except DataError:  # damaged files are written again
        return False
