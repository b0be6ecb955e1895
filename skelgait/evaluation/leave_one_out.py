"""Search for each sequence of a gallery among all others, and near-duplicates of other people that it finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.evaluation.identification import checked_rows
from skelgait.matching.distances import Indices, RowBlocks
from skelgait.matching.open_set import NearestPeople, nearest_people
from skelgait.matching.options import MatchingOptions
from skelgait.matching.vectors import as_floats
from skelgait.storage import Key

_MAX_SAMPLES = 1000
# Share of the length of an embedding that two recordings of one walk may differ by.
_NEARLY_EQUAL = 0.01


class NearDuplicate(NamedTuple):
    """Sequence that resembles one of another person.

    Attributes:
        sequence: the sequence.
        other: nearest sequence of another person.
        distance: distance of the two.
    """

    sequence: Key
    other: Key
    distance: float


def search_without_self(
    gallery: Embeddings, options: MatchingOptions | None = None, probes: Indices | None = None
) -> NearestPeople:
    """Return the nearest people of gallery sequences, each compared with all sequences but itself.

    Args:
        gallery: embeddings of the enrolled people.
        options: distance, device and memory; re-ranking is not supported.
        probes: (P,) indices of the sequences to search for; default: all.

    Returns:
        Nearest people; a sequence that is the only one of its person has no distance to the own person.

    Raises:
        ProtocolError: if the gallery is empty.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the options ask for re-ranking.
    """
    people = np.unique([key.identity for key in gallery.keys], return_inverse=True)[1].astype(np.int64)
    indices = np.arange(len(people)) if probes is None else probes
    rows = _without_self(checked_rows(gallery, gallery, options), indices)
    return nearest_people(rows, people[indices], people)


def _without_self(rows: RowBlocks, indices: Indices) -> RowBlocks:
    """Return a source of the distances of some gallery sequences, with an infinite distance to themselves."""

    def others(probes: Indices, columns: Indices) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for start, distances in rows(indices[probes], columns):
            positions = indices[probes[start : start + len(distances)]] - columns[0]
            inside = np.flatnonzero((positions >= 0) & (positions < len(columns)))
            distances[inside, positions[inside]] = np.inf
            yield start, distances

    return others


def typical_distance(gallery: Embeddings, options: MatchingOptions | None = None) -> float | None:
    """Return the median distance from a sequence to the nearest other one of the same person.

    At most 1000 sequences are searched for, evenly spaced in the gallery.

    Args:
        gallery: embeddings of the enrolled people.
        options: distance, device and memory.

    Returns:
        Distance; None if nobody has two sequences.
    """
    n = len(gallery.keys)
    sample = np.unique(np.linspace(0, n - 1, min(n, _MAX_SAMPLES)).astype(np.int64))
    mates = search_without_self(gallery, options, sample).mates
    finite = mates[np.isfinite(mates)]
    return float(np.median(finite)) if len(finite) else None


def near_duplicates(
    gallery: Embeddings, options: MatchingOptions | None = None, probes: Indices | None = None
) -> list[NearDuplicate]:
    """Return sequences that are as near to another person as two sequences of one person usually are.

    These may show the same person under two names. The limit is `typical_distance`; if it is unknown, only embeddings
    that differ by at most 1 % of their length are near-duplicates.

    Args:
        gallery: embeddings of the enrolled people.
        options: distance, device and memory; re-ranking is not supported.
        probes: (P,) indices of the sequences to search for; default: all.

    Returns:
        Near-duplicates, nearest first; of two sequences that are each other's, only the first is listed.
    """
    if not len(gallery.keys):
        return []
    indices = np.arange(len(gallery.keys)) if probes is None else probes
    searches, limit = search_without_self(gallery, options, indices), typical_distance(gallery, options)
    pairs: dict[frozenset[int], NearDuplicate] = {}
    for index, other, distance in zip(indices, searches.other_columns[:, 0], searches.others[:, 0], strict=True):
        if np.isfinite(distance) and (
            (limit is not None and distance <= limit) or _are_nearly_equal(gallery, index, other)
        ):
            pair = NearDuplicate(gallery.keys[index], gallery.keys[other], float(distance))
            pairs.setdefault(frozenset((int(index), int(other))), pair)
    return sorted(pairs.values(), key=lambda pair: pair.distance)


def _are_nearly_equal(gallery: Embeddings, index: int, other: int) -> bool:
    first, second = as_floats(gallery.values[np.array([index, other])]).astype(np.float64)
    return bool(np.linalg.norm(first - second) <= _NEARLY_EQUAL * np.linalg.norm(first))
