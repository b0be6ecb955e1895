"""Nearest columns and nearest groups against plain loops."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skelgait.matching.distances import RowBlocks
from skelgait.matching.nearest import Nearest, nearest, nearest_groups


def plain_nearest(distances: NDArray[np.float32], groups: list[int], k: int) -> Nearest:
    """Of each row, the first column of each group when sorted, and of these the first k."""
    k = min(k, len(set(groups)))
    columns = np.zeros((len(distances), k), np.int64)
    for i, row in enumerate(distances):
        best: dict[int, int] = {}
        for j in sorted(range(len(row)), key=lambda j, row=row: (row[j], j)):  # type: ignore[misc]
            best.setdefault(groups[j], j)
        columns[i] = list(best.values())[:k]
    return Nearest(columns, np.take_along_axis(distances, columns, axis=1))


def source(distances: NDArray[np.float32], height: int) -> RowBlocks:
    """Blocks of up to `height` rows, in a buffer that is used again."""

    def rows(probes: NDArray[np.int64], gallery: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        buffer = np.empty((height, len(gallery)), np.float32)
        for start in range(0, len(probes), height):
            selected = probes[start : start + height]
            buffer[: len(selected)] = distances[np.ix_(selected, gallery)]
            yield start, buffer[: len(selected)]

    return rows


def assert_alike(found: Nearest, expected: Nearest) -> None:
    assert (found.columns.dtype, found.distances.dtype) == (np.int64, np.float32)
    np.testing.assert_array_equal(found.columns, expected.columns)
    np.testing.assert_array_equal(found.distances, expected.distances)


@pytest.mark.parametrize("levels", [10_000, 5, 1])  # hardly any, many, and only ties
@pytest.mark.parametrize(
    ("n_probes", "n_gallery", "k"),
    [(0, 0, 1), (0, 4, 2), (3, 0, 2), (1, 1, 1), (1, 1, 5), (9, 30, 1), (9, 30, 4), (9, 30, 30), (9, 30, 100)],
)
def test_nearest_columns_equal_plain_loop(n_probes: int, n_gallery: int, k: int, levels: int) -> None:
    distances = np.random.default_rng(0).integers(0, levels, (n_probes, n_gallery)).astype(np.float32)
    assert_alike(nearest(distances, k), plain_nearest(distances, list(range(n_gallery)), k))


@pytest.mark.parametrize("chunk", [1, 4, 7, 1000])
@pytest.mark.parametrize("levels", [10_000, 5])
@pytest.mark.parametrize(("n_probes", "n_gallery", "n_groups"), [(0, 5, 2), (4, 0, 2), (9, 40, 1), (9, 40, 6)])
def test_nearest_groups_equal_plain_loop(n_probes: int, n_gallery: int, n_groups: int, levels: int, chunk: int) -> None:
    rng = np.random.default_rng(0)
    distances = rng.integers(0, levels, (n_probes + 3, n_gallery + 3)).astype(np.float32)
    # Numbers as the source knows them, in an order of their own; groups need not be without a gap.
    probes, gallery = (
        rng.permutation(n_probes + 3)[:n_probes],
        rng.permutation(n_gallery + 3)[:n_gallery],
    )
    groups = rng.integers(0, n_groups, n_gallery) * 7
    for k in (1, 2, 5, 50):
        found = nearest_groups(source(distances, 4), probes, gallery, groups, k, columns_at_a_time=chunk)
        assert_alike(found, plain_nearest(distances[np.ix_(probes, gallery)], groups.tolist(), k))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=12), st.integers(1, 6), st.integers(1, 12))
def test_small_gallery_equals_plain_loop(entries: list[tuple[int, int]], k: int, chunk: int) -> None:
    groups, distances = [group for group, _ in entries], np.float32([[distance for _, distance in entries]])
    found = nearest_groups(
        source(distances, 1), np.arange(1), np.arange(len(entries)), np.array(groups, np.int64), k,
        columns_at_a_time=chunk,
    )  # fmt: skip
    assert_alike(found, plain_nearest(distances, groups, k))


def test_groups_of_one_are_columns() -> None:
    distances = np.random.default_rng(1).random((5, 20)).astype(np.float32)
    rows = source(distances, 2)
    assert_alike(nearest_groups(rows, np.arange(5), np.arange(20), np.arange(20), 6), nearest(distances, 6))
