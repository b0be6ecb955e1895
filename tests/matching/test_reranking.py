"""Re-ranking against its definition on whole matrices, and that it needs no whole matrix itself."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.matching.distances import RowBlocks
from skelgait.matching.options import Reranking
from skelgait.matching.reranking import rerank
from tests.matching.plain_reranking import plain_rerank


def distances_of(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """Distances of all points to each other, (n, n) float32, to themselves as rounding has it: seldom 0."""
    points = points.astype(np.float32)
    squares = (points**2).sum(axis=1)
    found: NDArray[np.float32] = np.sqrt(np.abs(squares[:, None] + squares - 2 * points @ points.T) + np.float32(1e-7))
    # In both directions alike, so that it is known which comes first.
    return np.maximum(found, found.T)


def source(distances: NDArray[np.float32], height: int = 7) -> RowBlocks:
    """Blocks of up to `height` rows of a matrix, read-only."""

    def rows(probes: NDArray[np.int64], gallery: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for start in range(0, len(probes), height):
            block = distances[np.ix_(probes[start : start + height], gallery)]
            block.flags.writeable = False
            yield start, block

    return rows


def whole(blocks: Iterator[tuple[int, NDArray[np.float32]]], width: int) -> NDArray[np.float32]:
    """The blocks as one matrix."""
    parts, n = [np.empty((0, width), np.float32)], 0
    for start, block in blocks:
        assert start == n
        assert block.dtype == np.float32
        parts.append(block)
        n += len(block)
    return np.concatenate(parts)


def clusters(n_clusters: int, n_each: int, spread: float, seed: int = 0) -> NDArray[np.floating]:
    """Points (n_clusters * n_each, 8); point i is of cluster i % n_clusters."""
    rng = np.random.default_rng(seed)
    return np.tile(rng.normal(size=(n_clusters, 8)), (n_each, 1)) + spread * rng.normal(size=(n_clusters * n_each, 8))


@pytest.mark.parametrize(
    ("n_probes", "n_gallery", "k1", "k2", "weight"),
    [
        (0, 0, 20, 6, 0.3),
        (0, 5, 20, 6, 0.3),
        (5, 0, 20, 6, 0.3),
        (1, 1, 20, 6, 0.3),
        (2, 3, 20, 6, 0.3),  # fewer than k2
        (4, 9, 20, 6, 0.3),  # fewer than k1
        (20, 130, 20, 6, 0.3),  # more than are weighted at a time
        (20, 130, 5, 6, 0.3),  # half of k1 rounded down
        (20, 130, 7, 10, 0.0),  # half of k1 rounded up; k2 above k1
        (20, 130, 1, 1, 0.5),  # no mean over the nearest
        (20, 130, 8, 3, 1.0),
    ],
)
def test_reranking_equals_the_definition(n_probes: int, n_gallery: int, k1: int, k2: int, weight: float) -> None:
    n = n_probes + n_gallery
    distances = distances_of(clusters(6, n // 6 + 1, 0.5))
    order = np.random.default_rng(1).permutation(n)
    probes, gallery = order[:n_probes], order[n_probes:]
    found = whole(rerank(source(distances), probes, gallery, Reranking(k1, k2, weight)), n_gallery)
    np.testing.assert_allclose(found, plain_rerank(distances, probes, gallery, k1, k2, weight), atol=1e-5)


def test_high_dimensional_points_equal_the_definition() -> None:
    # In many dimensions few points are the neighbors of most, and R* often reaches beyond the k1 nearest.
    rng = np.random.default_rng(2)
    distances = distances_of(rng.normal(size=(160, 64)))
    probes, gallery = np.arange(40), np.arange(40, 160)
    found = whole(rerank(source(distances), probes, gallery), 120)
    np.testing.assert_allclose(found, plain_rerank(distances, probes, gallery), atol=1e-5)


def test_repeated_sequence_takes_part_once() -> None:
    distances = distances_of(clusters(5, 12, 0.5))
    # Far more than rounding does, so that it shows wherever it is used.
    np.fill_diagonal(distances, 3)
    probes, gallery = np.array([50, 3, 4, 3, 17]), np.r_[np.arange(40), 17]
    found = whole(rerank(source(distances), probes, gallery, Reranking(k1=6)), 41)
    np.testing.assert_allclose(found, plain_rerank(distances, probes, gallery, k1=6), atol=1e-5)
    assert found[1, 3] == pytest.approx(0, abs=1e-6)
    np.testing.assert_array_equal(found[1], found[3])
    np.testing.assert_array_equal(found[:, 17], found[:, 40])


@pytest.mark.parametrize("n_each", [3, 30])  # fewer at one distance than k1, and more
def test_sequences_at_one_point(n_each: int) -> None:
    distances = distances_of(np.repeat(clusters(8, 1, 0.5), n_each, axis=0))
    # Another may be nearer than the sequence itself, and distances may come out below 0, as cosines' do.
    np.fill_diagonal(distances, 0.01)
    is_same = distances < 0.001
    distances[is_same] = -1e-7 * np.random.default_rng(3).random(is_same.sum())
    kept, probes, gallery = distances.copy(), np.arange(0, 8 * n_each, 5), np.arange(8 * n_each)
    found = whole(rerank(source(distances), probes, gallery, Reranking(k1=6)), len(gallery))
    np.testing.assert_allclose(found, plain_rerank(np.maximum(kept, 0), probes, gallery, k1=6), atol=1e-5)


def test_all_sequences_at_one_point_have_distance_zero() -> None:
    found = whole(rerank(source(np.zeros((4, 4), np.float32)), np.arange(2), np.arange(2, 4)), 2)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_block_height_does_not_change_distances() -> None:
    distances = distances_of(clusters(6, 30, 0.5))
    probes, gallery = np.arange(50), np.arange(50, 180)
    at_once = whole(rerank(source(distances, 1000), probes, gallery), 130)
    for height in (1, 7, 64, 100):
        np.testing.assert_array_equal(whole(rerank(source(distances, height), probes, gallery), 130), at_once)
    starts = [start for start, _ in rerank(source(distances, 20), probes, gallery)]
    assert starts == [start for start, _ in source(distances, 20)(probes, gallery)]


def test_reranking_raises_mean_average_precision() -> None:
    n_clusters = 30
    distances = distances_of(clusters(n_clusters, 12, 0.8))
    probes, gallery = np.arange(60), np.arange(60, len(distances))
    is_match = probes[:, None] % n_clusters == gallery % n_clusters

    def mean_ap(to_gallery: NDArray[np.float32]) -> float:
        hits = np.take_along_axis(is_match, to_gallery.argsort(axis=1), axis=1)
        precision = hits.cumsum(axis=1) / np.arange(1, len(gallery) + 1)
        return float(((precision * hits).sum(axis=1) / hits.sum(axis=1)).mean())

    before = mean_ap(distances[np.ix_(probes, gallery)])
    after = mean_ap(whole(rerank(source(distances), probes, gallery), len(gallery)))
    assert after > before + 0.02


def test_whole_matrix_is_never_in_memory() -> None:
    n = 3000
    points = clusters(100, n // 100, 0.5).astype(np.float32)

    def rows(probes: NDArray[np.int64], gallery: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for start in range(0, len(probes), 20):
            selected = points[probes[start : start + 20]]
            yield start, np.sqrt(sum((selected[:, None, d] - points[gallery][:, d]) ** 2 for d in range(8)))

    probes, gallery = np.arange(1000), np.arange(1000, n)
    # Compiled before it is measured.
    list(rerank(rows, probes[:3], gallery[:3]))
    tracemalloc.start()
    try:
        for _ in rerank(rows, probes, gallery):
            pass
        assert tracemalloc.get_traced_memory()[1] < n * n * 4 / 4
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_or_infinity_is_an_error(bad: float) -> None:
    distances = distances_of(clusters(6, 3, 0.5))
    distances[3, 4] = distances[4, 3] = bad
    with pytest.raises(DataError, match="distances: found NaN or infinity, expected finite numbers"):
        list(rerank(source(distances), np.arange(2), np.arange(2, 18)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"k1": 0}, "k1: found 0, expected at least 1"),
        ({"k2": 0}, "k2: found 0, expected at least 1"),
        ({"weight": 1.5}, "weight: found 1.5, expected a number from 0 to 1"),
        ({"weight": float("nan")}, "weight: found nan, expected a number from 0 to 1"),
    ],
)
def test_parameter_out_of_range_is_an_error(values: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)):
        Reranking(**values)  # type: ignore[arg-type]
