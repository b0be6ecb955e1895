"""Pairs, written down where `skelgait.storage.open_pairs` finds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from skelgait.errors import DataError
from skelgait.preprocess.pairs.outcome import Pairing
from skelgait.preprocess.pairs.report import REPORT_FILE, read_report, write_report
from skelgait.preprocess.pairs.tree import write_tree
from skelgait.storage import Key, SequenceSource
from skelgait.storage.lock import lock_folder
from skelgait.storage.pair_file import PairedSources, PairFile, read_pair_file, write_pair_file
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, Cut


def write_pairs(
    pairing: Pairing,
    maps: SequenceSource,
    silhouettes: SequenceSource,
    out: Path,
    *,
    silhouette_pattern: str | None,
    advance: Callable[[int], None] = lambda _: None,
) -> int:
    """Write down `pairing` in the folder `out`, with a report of every sequence in `report.csv`.

    Args:
        pairing: what pairs up.
        maps: the source of maps.
        silhouettes: the source of silhouettes.
        out: folder of the pairs.
        silhouette_pattern: None for a tree: symbolic links, and files of their own where frames are cut; otherwise one
            HDF5 file that refers to both sources, with this pattern for the silhouettes' files.
        advance: told how many pairs of a tree have been dealt with since the last call.

    Returns:
        The number of pairs that were not there before, or were others.

    Raises:
        SettingsError: a tree is wanted, but a source is none.
        DataError: nothing pairs up; a file that is not ours stands in the way; another run writes there; `out` cannot
            be written; or the frames of a sequence that is cut cannot be read.
    """
    with lock_folder(out):
        if not pairing.pairs:
            raise _nothing_pairs(pairing, maps, silhouettes, _report_without_pairs(out, pairing))
        if silhouette_pattern is None:
            return write_tree(pairing, maps, silhouettes, out, advance)
        sources = PairedSources(maps.path.resolve(), silhouettes.path.resolve(), silhouette_pattern)
        return _write_file(pairing, sources, out)


def _write_file(pairing: Pairing, sources: PairedSources, out: Path) -> int:
    if _holds_tree(out):
        hint = "name another folder with --pairs, or remove it"
        raise DataError(out, "a tree of pairs", "an empty folder, or pairs in an HDF5 file", hint)
    read_report(out)  # another file of that name would be lost
    content = PairFile(sources, {one.key: one.cut for one in pairing.sequences if one.is_paired})
    before = _file_there(out / PAIR_FILE, sources)
    changed = [key for key, cut in content.pairs.items() if key not in before or not _is_same(before[key], cut)]
    if changed or before.keys() != content.pairs.keys():
        write_pair_file(out / PAIR_FILE, content)
    write_report(out, pairing)
    return len(changed)


def _file_there(path: Path, sources: PairedSources) -> Mapping[Key, Cut | None]:
    """The pairs in a pair file; none where there is no such file of these sources."""
    if not path.is_file():
        return {}
    try:
        content = read_pair_file(path)
    except DataError:  # a damaged file is written again
        return {}
    return content.pairs if content.sources == sources else {}


def _is_same(before: Cut | None, cut: Cut | None) -> bool:
    if before is None or cut is None:
        return before is cut
    same_frames = np.array_equal(before.maps, cut.maps) and np.array_equal(before.silhouettes, cut.silhouettes)
    return same_frames and before[2:] == cut[2:]


def _report_without_pairs(out: Path, pairing: Pairing) -> str:
    """Report that nothing pairs up, where no report of earlier pairs would be lost; and say so."""
    if (out / PAIR_FILE).exists() or _holds_tree(out):
        return ""
    read_report(out)  # another file of that name would be lost
    write_report(out, pairing)
    return f"; {out / REPORT_FILE} has them all"


def _holds_tree(out: Path) -> bool:
    return next(out.glob(f"*/*/*/{MAP_LINK}"), None) is not None


def _nothing_pairs(pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, report: str) -> DataError:
    if unreadable := pairing.of("unreadable"):
        found = f"no pair; {unreadable[0].key} cannot be read: {unreadable[0].reason}"
        hint = "write the sequences again"
    elif unequal := pairing.of("unequal"):
        found = f"no pair; {unequal[0].key}: {unequal[0].reason}"
        hint = "use maps and silhouettes of the same frames"
    else:
        found = f"no sequence that both have; maps have {maps.keys[0]}, silhouettes have {silhouettes.keys[0]}"
        hint = "use trees that name identities, conditions and views alike"
    return DataError(silhouettes.path, found, f"some of the sequences in {maps.path}", hint + report)
