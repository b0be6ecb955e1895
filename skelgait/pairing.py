"""Maps and silhouettes of one sequence, joined by key; what does not match is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.storage import Key, PickleTree, SequenceSource, open_pairs
from skelgait.storage.pairs import MAP_LINK, PAIR_FILE, SILHOUETTE_LINK, write_pair_file


@dataclass(frozen=True)
class Pairing:
    """The join of a source of maps and a source of silhouettes.

    Attributes:
        pairs: sequences that both have, with the same number of frames.
        maps_only: sequences without silhouettes.
        silhouettes_only: sequences without maps.
        unequal: sequences whose numbers of frames differ: key, maps, silhouettes.
        unreadable: sequences that cannot be read, each with the reason.
    """

    pairs: tuple[Key, ...]
    maps_only: tuple[Key, ...]
    silhouettes_only: tuple[Key, ...]
    unequal: tuple[tuple[Key, int, int], ...]
    unreadable: tuple[tuple[Key, str], ...]

    def to_dict(self) -> dict[str, object]:
        """The pairing as plain lists of strings and numbers."""
        return {
            "pairs": [str(key) for key in self.pairs],
            "maps_only": [str(key) for key in self.maps_only],
            "silhouettes_only": [str(key) for key in self.silhouettes_only],
            "unequal": [{"sequence": str(key), "maps": a, "silhouettes": b} for key, a, b in self.unequal],
            "unreadable": [{"sequence": str(key), "reason": reason} for key, reason in self.unreadable],
        }


def pair_sequences(
    maps: SequenceSource, silhouettes: SequenceSource, advance: Callable[[int], None] = lambda _: None
) -> Pairing:
    """Join maps and silhouettes by identity, condition and view, and compare their numbers of frames.

    Args:
        maps: the skeleton maps.
        silhouettes: the silhouettes.
        advance: told how many sequences have been compared since the last call.

    Raises:
        DataError: not one sequence pairs up.
    """
    map_keys, silhouette_keys = set(maps.keys), set(silhouettes.keys)
    pairs, unequal, unreadable = [], [], []
    for key in sorted(map_keys & silhouette_keys):
        try:
            lengths = maps.length(key), silhouettes.length(key)
        except DataError as error:
            unreadable.append((key, str(error)))
        else:
            if lengths[0] == lengths[1]:
                pairs.append(key)
            else:
                unequal.append((key, *lengths))
        advance(1)
    pairing = Pairing(
        tuple(pairs),
        tuple(sorted(map_keys - silhouette_keys)),
        tuple(sorted(silhouette_keys - map_keys)),
        tuple(unequal),
        tuple(unreadable),
    )
    if not pairs:
        raise _nothing_pairs(maps, silhouettes, pairing)
    return pairing


def write_pairs(
    pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, out: Path, *, silhouette_pattern: str | None
) -> int:
    """Write down `pairing` in the folder `out`, where `skelgait.storage.open_pairs` finds it.

    Args:
        pairing: what pairs up.
        maps: the source of maps.
        silhouettes: the source of silhouettes.
        out: folder of the pairs.
        silhouette_pattern: None for a tree of symbolic links; otherwise one HDF5 file that refers to both sources,
            with this pattern for the silhouettes' files.

    Returns:
        The number of pairs that were not there before, or were linked to other files.

    Raises:
        SettingsError: links are wanted, but a source is no pickle tree.
        DataError: a file that is no link stands in the way, or `out` cannot be written.
    """
    if silhouette_pattern is None:
        return _write_links(pairing, maps, silhouettes, out)
    before = _pairs_there(out) if (out / PAIR_FILE).is_file() else set()
    write_pair_file(out / PAIR_FILE, pairing.pairs, maps.path, silhouettes.path, silhouette_pattern)
    return len(set(pairing.pairs) - before)


def _pairs_there(out: Path) -> set[Key]:
    try:
        return set(open_pairs(out).keys)
    except DataError:  # there are none
        return set()


def _write_links(pairing: Pairing, maps: SequenceSource, silhouettes: SequenceSource, out: Path) -> int:
    """Link every pair as `0_heatmap.pkl` and `1_sil.pkl` in the sequence's folder under `out`.

    Links are relative, so that a workspace can be moved as a whole; those that are right already stay as they are, and
    those of sequences that do not pair up are removed.
    """
    if (out / PAIR_FILE).exists():
        raise DataError(out / PAIR_FILE, "pairs in an HDF5 file", "a tree of links", "remove it, or use --storage hdf5")
    made = 0
    for key in pairing.pairs:
        folder = out.joinpath(*key)
        changed = _link(folder / MAP_LINK, _tree(maps).file(key, "map"))
        changed |= _link(folder / SILHOUETTE_LINK, _tree(silhouettes).file(key, "silhouette"))
        made += changed
    _remove_other_links(out, set(pairing.pairs))
    return made


def _remove_other_links(out: Path, pairs: set[Key]) -> None:
    for key in set(_pairs_there(out)) - pairs:
        for name in (MAP_LINK, SILHOUETTE_LINK):
            if out.joinpath(*key, name).is_symlink():
                out.joinpath(*key, name).unlink()


def _tree(source: SequenceSource) -> PickleTree:
    if isinstance(source, PickleTree):
        return source
    found, mend = "an HDF5 store, which has no files to link", "use --storage hdf5, which refers to both"
    raise SettingsError(source.path, found, "a pickle tree", mend)


def _link(link: Path, target: Path) -> bool:
    """Make `link` a relative link to `target`; say whether there was anything to do."""
    relative = os.path.relpath(target.resolve(), link.parent.resolve())
    if link.is_symlink() and link.readlink() == Path(relative):
        return False
    if link.exists() and not link.is_symlink():
        raise DataError(link, "a file", "nothing, or a link", "name another folder with --pairs, or remove the file")
    fresh = link.with_name(f".{link.name}.new")
    try:
        link.parent.mkdir(parents=True, exist_ok=True)
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(relative)
        fresh.replace(link)
    except OSError as error:
        mend = "choose a folder that can be written, on a file system with symbolic links, or use --storage hdf5"
        raise DataError(link, error.strerror or str(error), "a link that can be made", mend) from error
    return True


def _nothing_pairs(maps: SequenceSource, silhouettes: SequenceSource, pairing: Pairing) -> DataError:
    if pairing.unreadable:
        key, reason = pairing.unreadable[0]
        found = f"no pair; {key} cannot be read: {reason}"
    elif pairing.unequal:
        key, n_maps, n_silhouettes = pairing.unequal[0]
        found = f"no pair of equal length; {key} has {n_maps} maps and {n_silhouettes} silhouettes"
    else:
        found = f"no sequence that both have; maps have {maps.keys[0]}, silhouettes have {silhouettes.keys[0]}"
    expected = f"some of the sequences in {maps.path}"
    return DataError(silhouettes.path, found, expected, "use trees that name identities, conditions and views alike")
