"""Walks that a gallery has twice: embeddings of one person that are nearly equal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.matching.distances import Indices, RowBlocks, distance_rows
from skelgait.matching.options import MatchingOptions
from skelgait.matching.vectors import as_floats

# Share of the length of an embedding. Poses and maps of one walk differ by less; different walks differ by more, even
# with an untrained network.
_NEARLY_EQUAL = 0.002
_ROWS_AT_A_TIME = 512


def find_repeats(gallery: Embeddings, people: Indices, indices: Indices, memory_mb: float) -> Indices:
    """Return pairs of nearly equal sequences of one person, as indices (n, 2).

    They may be one walk that was enrolled twice, once as poses and once as maps for instance.

    Args:
        gallery: embeddings of the enrolled people.
        people: (N,) person of each sequence, from 0.
        indices: (P,) sequences to search for, the first ones of the pairs.
        memory_mb: memory for distances, in MiB.
    """
    rows = distance_rows(gallery.values, gallery.values, MatchingOptions(memory_mb=memory_mb))
    pairs = [np.empty((0, 2), np.int64)]
    for probes, columns, distances in distances_by_person(rows, people, indices):
        is_equal = distances <= _NEARLY_EQUAL * _lengths(gallery, probes)[:, None]
        is_equal &= probes[:, None] != columns
        i, j = np.nonzero(is_equal)
        pairs.append(np.stack([probes[i], columns[j]], axis=1))
    return np.concatenate(pairs)


def distances_by_person(
    rows: RowBlocks, people: Indices, indices: Indices
) -> Iterator[tuple[Indices, Indices, NDArray[np.float32]]]:
    """Yield the distances of sequences to those of the same person, several people at a time.

    Args:
        rows: source of distances.
        people: (N,) person of each sequence, from 0.
        indices: (P,) sequences to search for.

    Yields:
        Indices of n sequences, of the m sequences of their people, and the distances (n, m), infinite between people.
    """
    is_probe = np.zeros(len(people), np.bool_)
    is_probe[indices] = True
    order = np.argsort(people, kind="stable")
    first_of_person = np.flatnonzero(np.diff(people[order], prepend=-1))
    # A few hundred sequences at a time: many small blocks would take longer than a larger one.
    starts = first_of_person[np.flatnonzero(np.diff(first_of_person // _ROWS_AT_A_TIME, prepend=-1))]
    for columns in np.split(order, starts[1:]):
        probes = columns[is_probe[columns]]
        for start, distances in rows(probes, columns) if len(probes) else ():
            block = probes[start : start + len(distances)]
            distances[people[block][:, None] != people[columns]] = np.inf
            yield block, columns, distances


def are_nearly_equal(gallery: Embeddings, first: Indices, second: Indices) -> NDArray[np.bool_]:
    """Return for each pair of sequences if their embeddings are nearly equal.

    Args:
        gallery: embeddings of the enrolled people.
        first: (n,) index of the first sequence of each pair.
        second: (n,) index of the second one.
    """
    found = np.zeros(len(first), np.bool_)
    for start in range(0, len(first), _ROWS_AT_A_TIME):
        block = slice(start, start + _ROWS_AT_A_TIME)
        values, others = (as_floats(gallery.values[indices[block]]) for indices in (first, second))
        difference = np.linalg.norm(values - others, axis=1).mean(axis=1)
        found[block] = difference <= _NEARLY_EQUAL * _lengths(gallery, first[block])
    return found


def _lengths(gallery: Embeddings, indices: Indices) -> NDArray[np.float32]:
    """Return the length of some embeddings: the mean over strips of the Euclidean norms."""
    lengths: NDArray[np.float32] = np.linalg.norm(as_floats(gallery.values[indices]), axis=1).mean(axis=1)
    return lengths
