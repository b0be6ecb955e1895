"""Writing pairs, in a form that `skelgait.storage.open_pairs` reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from skelgait.errors import DataError, PathLike
from skelgait.preprocess.pairs.outcome import Pairing
from skelgait.preprocess.pairs.report import REPORT_FILE, read_report, write_report
from skelgait.preprocess.pairs.tree import write_tree
from skelgait.runtime.advance import Advance, no_progress
from skelgait.storage import Key, SequenceSource
from skelgait.storage.lock import lock_folder
from skelgait.storage.pair_file import PairedSources, PairFile, read_pair_file, write_pair_file
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, FramePairs


def write_pairs(
    pairing: Pairing,
    maps: SequenceSource,
    silhouettes: SequenceSource,
    out: PathLike,
    *,
    silhouette_pattern: str | None,
    advance: Advance | None = None,
) -> int:
    """Write the pairs of `pairing` into the folder `out`, with a report of all sequences in `report.csv`.

    Args:
        pairing: outcome of `pair_sequences`.
        maps: source of the maps.
        silhouettes: source of the silhouettes.
        out: folder of the pairs.
        silhouette_pattern: None: write a tree of symbolic links, with new files for sequences paired in part. Otherwise
            write one HDF5 file that refers to both sources; the silhouettes are opened with this file pattern.
        advance: called with the number of pairs written to a tree.

    Returns:
        Number of new or changed pairs.

    Raises:
        SettingsError: if a tree is requested, but a source is not a pickle tree.
        DataError: if no sequence is paired, a file of another origin is in the way, another run writes to `out`, `out`
            cannot be written, or the frames of a source cannot be read.
    """
    out = Path(out)
    with lock_folder(out):
        if not pairing.pairs:
            raise _no_pair_error(pairing, maps, silhouettes, _write_report_without_pairs(out, pairing))
        if silhouette_pattern is None:
            return write_tree(pairing, maps, silhouettes, out, advance or no_progress)
        sources = PairedSources(maps.path.resolve(), silhouettes.path.resolve(), silhouette_pattern)
        return _write_file(pairing, sources, out)


def _write_file(pairing: Pairing, sources: PairedSources, out: Path) -> int:
    if _holds_tree(out):
        hint = "choose another folder with --pairs, or remove the tree"
        raise DataError(out, "a tree of pairs", "an empty folder, or pairs in an HDF5 file", hint)
    read_report(out)  # refuses to replace another file of the same name
    pairs = {sequence.key: sequence.frame_pairs for sequence in pairing.sequences if sequence.is_paired}
    existing = _existing_pairs(out / PAIR_FILE, sources)
    changed = [key for key, frames in pairs.items() if key not in existing or not _are_equal(existing[key], frames)]
    if changed or existing.keys() != pairs.keys():
        write_pair_file(out / PAIR_FILE, PairFile(sources, pairs))
    write_report(out, pairing)
    return len(changed)


def _existing_pairs(path: Path, sources: PairedSources) -> Mapping[Key, FramePairs | None]:
    """Return the pairs in a pair file; empty if there is no undamaged pair file of these sources."""
    if not path.is_file():
        return {}
    try:
        content = read_pair_file(path)
    except DataError:  # damaged files are written again
        return {}
    return content.pairs if content.sources == sources else {}


def _are_equal(first: FramePairs | None, second: FramePairs | None) -> bool:
    if first is None or second is None:
        return first is second
    same_frames = np.array_equal(first.maps, second.maps) and np.array_equal(first.silhouettes, second.silhouettes)
    return same_frames and (first.n_maps, first.n_silhouettes) == (second.n_maps, second.n_silhouettes)


def _write_report_without_pairs(out: Path, pairing: Pairing) -> str:
    """Write the report unless `out` holds earlier pairs; return the end of the error message about it."""
    if (out / PAIR_FILE).exists() or _holds_tree(out):
        return ""
    read_report(out)  # refuses to replace another file of the same name
    write_report(out, pairing)
    return f"; see {out / REPORT_FILE} for all sequences"


def _holds_tree(out: Path) -> bool:
    return next(out.glob(f"*/*/*/{MAP_LINK}"), None) is not None


def _no_pair_error(pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, report: str) -> DataError:
    if unreadable := pairing.with_outcome("unreadable"):
        found = f"no pair; {unreadable[0].key} cannot be read: {unreadable[0].reason}"
        hint = "write the sequences again"
    elif unequal := pairing.with_outcome("unequal"):
        found = f"no pair; {unequal[0].key}: {unequal[0].reason}"
        hint = "use maps and silhouettes of the same frames"
    else:
        found = f"no common sequence; maps have {maps.keys[0]}, silhouettes have {silhouettes.keys[0]}"
        hint = "use trees with the same names of identities, conditions and views"
    return DataError(silhouettes.path, found, f"sequences of {maps.path}", hint + report)
