"""Search for each sequence of a gallery among all others, and what it tells: repeated walks, near-duplicates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.evaluation.identification import checked_rows
from skelgait.evaluation.repeated_walks import are_nearly_equal, distances_by_person, find_repeats
from skelgait.matching.distances import Indices, RowBlocks
from skelgait.matching.open_set import NearestPeople
from skelgait.matching.options import MatchingOptions
from skelgait.runtime.advance import Advance, no_progress
from skelgait.storage import Key

_MAX_SAMPLES = 1000
_PROBES_AT_A_TIME = 512


class NearDuplicate(NamedTuple):
    """Sequence that resembles one of another person.

    Attributes:
        sequence: the sequence.
        other: nearest sequence of another person.
        distance: distance of the two.
        typical: median distance from a walk to the nearest other walk of the same person; None: nobody has two walks,
            and the two embeddings are nearly equal.
    """

    sequence: Key
    other: Key
    distance: float
    typical: float | None


@dataclass(frozen=True, eq=False)
class GallerySearch:
    """Nearest people of gallery sequences, each compared with all walks but itself.

    Attributes:
        gallery: embeddings of the enrolled people.
        indices: (P,) sequences that were searched for.
        nearest: nearest people of each of them. Repeats of the same walk are left out; a sequence without another
            walk of its person has no distance to the own person.
        repeats: pairs of sequences of one person that are nearly equal, perhaps the same walk.
        typical: median distance from a walk to the nearest other walk of the same person; None: nobody has two walks.
    """

    gallery: Embeddings
    indices: Indices
    nearest: NearestPeople
    repeats: list[tuple[Key, Key]]
    typical: float | None


def search_gallery(
    gallery: Embeddings,
    options: MatchingOptions | None = None,
    probes: Indices | None = None,
    advance: Advance = no_progress,
) -> GallerySearch:
    """Search for gallery sequences among all others.

    Each distance is computed once, although both sequences need it, and the gallery may be larger than the memory.

    Args:
        gallery: embeddings of the enrolled people.
        options: distance, device and memory; re-ranking is not supported.
        probes: (P,) indices of the sequences to search for; default: all.
        advance: called with the number of sequences that have been compared.

    Raises:
        ProtocolError: if the gallery is empty.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the options ask for re-ranking.
    """
    options = options or MatchingOptions()
    # Masks and minima need twice the memory of the distances.
    rows = checked_rows(gallery, gallery, replace(options, memory_mb=options.memory_mb / 3))
    people = np.unique([key.identity for key in gallery.keys], return_inverse=True)[1].astype(np.int64)
    indices = np.arange(len(people)) if probes is None else probes
    sample = np.unique(np.linspace(0, len(people) - 1, min(len(people), _MAX_SAMPLES)).astype(np.int64))
    repeats = find_repeats(gallery, people, np.union1d(indices, sample), options.memory_mb / 3)
    others = _without(rows, len(people), repeats)
    accumulator = _NearestTwo(people)
    for top in range(0, len(indices), _PROBES_AT_A_TIME):
        accumulator.add_probes(others, np.unique(indices), top)
        advance(min(_PROBES_AT_A_TIME, len(indices) - top))
    pairs = np.unique(np.sort(repeats[np.isin(repeats[:, 0], indices)], axis=1), axis=0)
    return GallerySearch(
        gallery,
        indices,
        accumulator.result(indices),
        [(gallery.keys[i], gallery.keys[j]) for i, j in pairs.tolist()],
        _typical_distance(others, people, sample),
    )


def _without(rows: RowBlocks, n: int, repeats: Indices) -> RowBlocks:
    """Return a source of distances that are infinite between a sequence and itself, and between repeats of one walk."""
    every = np.arange(n)
    first, second = np.concatenate([np.stack([every, every], axis=1), repeats]).T

    def others(probes: Indices, columns: Indices) -> Iterator[tuple[int, NDArray[np.float32]]]:
        column_of = np.full(n, -1)
        column_of[columns] = np.arange(len(columns))
        for start, distances in rows(probes, columns):
            row_of = np.full(n, -1)
            row_of[probes[start : start + len(distances)]] = np.arange(len(distances))
            inside = (row_of[first] >= 0) & (column_of[second] >= 0)
            distances[row_of[first[inside]], column_of[second[inside]]] = np.inf
            yield start, distances

    return others


class _NearestTwo:
    """Nearest sequence of the same person, and of all other people, of each of N gallery sequences.

    Args:
        people: (N,) person of each sequence.
    """

    def __init__(self, people: Indices) -> None:
        self._people = people
        self._mates, self._others = (np.full(len(people), np.inf, np.float32) for _ in range(2))
        self._mate_columns, self._other_columns = (np.zeros(len(people), np.int64) for _ in range(2))

    def add_probes(self, rows: RowBlocks, probes: Indices, top: int) -> None:
        """Compare the probes from `top` on with each other and with all that are not among the probes before `top`.

        Args:
            rows: source of distances.
            probes: (P,) sequences to search for, ascending.
            top: position of the first of at most 512 of them.
        """
        bottom = top + _PROBES_AT_A_TIME
        columns = np.setdiff1d(np.arange(len(self._people)), probes[:top], assume_unique=True)
        is_later = np.isin(columns, probes[bottom:], assume_unique=True)
        for start, distances in rows(probes[top:bottom], columns):
            block = probes[top + start : top + start + len(distances)]
            self._add(block, columns, distances)
            self._add(columns[is_later], block, distances[:, is_later].T)

    def _add(self, indices: Indices, columns: Indices, distances: NDArray[np.float32]) -> None:
        is_mate = self._people[indices][:, None] == self._people[columns]
        for wanted, best, best_columns in (
            (is_mate, self._mates, self._mate_columns), (~is_mate, self._others, self._other_columns),
        ):  # fmt: skip
            if not wanted.size:
                return
            candidates = np.where(wanted, distances, np.float32(np.inf))
            position = candidates.argmin(axis=1)
            nearest, column = candidates[np.arange(len(indices)), position], columns[position]
            is_tie = (nearest == best[indices]) & (column < best_columns[indices])
            better = (nearest < best[indices]) | is_tie
            best[indices[better]], best_columns[indices[better]] = nearest[better], column[better]

    def result(self, indices: Indices) -> NearestPeople:
        """Return the nearest people of some sequences, after all distances have been added."""
        mates, others = self._mates[indices], self._others[indices]
        is_first = (mates < others) | ((mates == others) & (self._mate_columns < self._other_columns)[indices])
        is_first &= np.isfinite(mates)
        return NearestPeople(mates, others[:, None], is_first[:, None], self._other_columns[indices, None])


def _typical_distance(rows: RowBlocks, people: Indices, sample: Indices) -> float | None:
    mates = [distances.min(axis=1) for _, _, distances in distances_by_person(rows, people, sample)]
    finite = np.concatenate([np.empty(0, np.float32), *mates])
    finite = finite[np.isfinite(finite)]
    return float(np.median(finite)) if len(finite) else None


def near_duplicates(search: GallerySearch) -> list[NearDuplicate]:
    """Return sequences that are as near to another person as two walks of one person usually are.

    These may show the same person under two names. If nobody has two walks, only nearly equal embeddings are
    near-duplicates.

    Args:
        search: nearest people of the sequences.

    Returns:
        Near-duplicates, nearest first; of two sequences that are each other's, only the first is listed.
    """
    distances, columns = search.nearest.others[:, 0], search.nearest.other_columns[:, 0]
    if search.typical is None:
        is_near = are_nearly_equal(search.gallery, search.indices, columns) & np.isfinite(distances)
    else:
        is_near = distances <= search.typical
    keys, pairs = search.gallery.keys, dict[frozenset[int], NearDuplicate]()
    for position in np.flatnonzero(is_near):
        index, other = int(search.indices[position]), int(columns[position])
        pair = NearDuplicate(keys[index], keys[other], float(distances[position]), search.typical)
        pairs.setdefault(frozenset((index, other)), pair)
    return sorted(pairs.values(), key=lambda pair: pair.distance)
