"""Distances against a plain loop in float64, for all layouts, index orders, blocks and tiles."""

from __future__ import annotations

import re

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.matching.distance_kernels import as_panels, mean_distances
from skelgait.matching.distances import distance_matrix, distance_rows
from skelgait.matching.on_device import DeviceComparison, mean_distances_on_device
from skelgait.matching.options import MatchingOptions
from skelgait.matching.registry import DISTANCES


def plain_distances(probes: torch.Tensor, gallery: torch.Tensor, distance: str) -> NDArray[np.float64]:
    """(P, G) from (P, D, S) and (G, D, S)."""
    x, y = probes.double().numpy(), gallery.double().numpy()
    n_strips, found = x.shape[2], np.zeros((len(x), len(y)))
    for i in range(len(x)):
        for j in range(len(y)):
            for s in range(n_strips):
                a, b = x[i, :, s], y[j, :, s]
                if distance == "euclidean":
                    found[i, j] += np.sqrt(((a - b) ** 2).sum()) / n_strips
                else:
                    found[i, j] += (1 - a @ b / np.sqrt((a @ a) * (b @ b))) / n_strips
    return found


def random_embeddings(n: int, width: int = 6, strips: int = 4, seed: int = 0) -> torch.Tensor:
    """(n, width, strips) embeddings."""
    return torch.randn(n, width, strips, generator=torch.Generator().manual_seed(seed))


def strips_outside(embeddings: torch.Tensor) -> torch.Tensor:
    """The same numbers, those of a strip beside each other in memory."""
    return embeddings.transpose(1, 2).contiguous().transpose(1, 2)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(
    ("n_probes", "n_gallery", "width", "strips"),
    [(0, 0, 6, 4), (0, 4, 6, 4), (3, 0, 6, 4), (1, 1, 1, 1), (7, 9, 6, 4), (5, 8, 32, 16), (4, 3, 2, 31)],
)
def test_distances_equal_plain_loop(distance: str, n_probes: int, n_gallery: int, width: int, strips: int) -> None:
    x, y = random_embeddings(n_probes, width, strips, 1), random_embeddings(n_gallery, width, strips, 2)
    expected = plain_distances(x, y, distance)
    for probes, gallery in ((x, y), (strips_outside(x), y), (strips_outside(x), strips_outside(y))):
        found = distance_matrix(probes, gallery, distance)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(
    ("probe_indices", "gallery_indices"),
    [
        ([], []),
        ([], [2, 3]),
        ([2, 3], []),
        ([0, 1, 2, 3], [4, 5, 6]),  # neighbors
        ([9, 8, 7], [3, 2, 1]),  # neighbors the other way round
        ([11, 0, 4], [5, 1, 7, 2]),
        ([3, 3, 3], [1, 2, 2, 1, 3]),  # some several times
        ([0, 2, 1, 3], [0, 1, 1, 2]),  # the first and the last as of neighbors
    ],
)
def test_distances_of_any_indices(distance: str, probe_indices: list[int], gallery_indices: list[int]) -> None:
    values = random_embeddings(12)
    whole = plain_distances(values, values, distance)
    rows = distance_rows(strips_outside(values), values, MatchingOptions(distance))
    found = np.zeros((0, len(gallery_indices)), np.float32)
    for start, block in rows(np.array(probe_indices, np.int64), np.array(gallery_indices, np.int64)):
        assert start == len(found)
        found = np.concatenate([found, block])
    np.testing.assert_allclose(found, whole[np.ix_(probe_indices, gallery_indices)].reshape(found.shape), atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("tiles", [(1024, 2048), (5, 7), (64, 1), (1, 64)])
def test_blocks_and_tiles_do_not_change_distances(distance: str, tiles: tuple[int, int]) -> None:
    x, y = random_embeddings(23, seed=1), random_embeddings(18, seed=2)
    expected = plain_distances(x, y, distance)
    options = MatchingOptions(distance, memory_mb=4 * (18 + x[0].numel()) * 5 / 2**20)  # five rows and embeddings
    rows = distance_rows(x, y, options, tile_rows=tiles[0], tile_columns=tiles[1])
    starts = []
    for start, block in rows(np.arange(23), np.arange(18)):
        assert block.shape == (min(5, 23 - start), 18)
        np.testing.assert_allclose(block, expected[start : start + len(block)], atol=1e-5)
        starts.append(start)
    assert starts == [0, 5, 10, 15, 20]


def test_block_has_at_least_one_row() -> None:
    x = random_embeddings(3)
    rows = distance_rows(x, x, MatchingOptions(memory_mb=2**-20))
    blocks = [(start, block.copy()) for start, block in rows(np.arange(3), np.arange(3))]
    assert [start for start, _ in blocks] == [0, 1, 2]
    np.testing.assert_allclose(np.concatenate([b for _, b in blocks]), plain_distances(x, x, "euclidean"), atol=1e-5)


def test_block_stays_within_memory_limit() -> None:
    x, y = torch.zeros(3000, 1, 1), torch.zeros(1000, 1, 1)
    rows = distance_rows(x, y, MatchingOptions(memory_mb=1))(np.arange(3000), np.arange(1000))
    assert max(block.nbytes for _, block in rows) == 261 * 1000 * 4  # 261 rows and embeddings are below a MiB


def test_interleaved_requests() -> None:
    x = random_embeddings(9)
    rows = distance_rows(x, x)
    first, second = rows(np.arange(4), np.arange(5)), rows(np.arange(4, 9), np.arange(9))
    (_, a), (_, b) = next(first), next(second)
    expected = plain_distances(x, x, "euclidean")
    np.testing.assert_allclose(a, expected[:4, :5], atol=1e-5)
    np.testing.assert_allclose(b, expected[4:], atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floating_types(distance: str, dtype: torch.dtype) -> None:
    x, y = random_embeddings(5, seed=1).to(dtype), random_embeddings(6, seed=2).to(dtype)
    found = distance_matrix(x, y, distance)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain_distances(x, y, distance), atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("scale", [1e-10, 1e-3, 1e3, 1e15])
def test_large_and_small_norms(distance: str, scale: float) -> None:
    x, y = scale * random_embeddings(5, seed=1), scale * random_embeddings(6, seed=2)
    unit = scale if distance == "euclidean" else 1
    np.testing.assert_allclose(
        distance_matrix(x, y, distance) / unit, plain_distances(x, y, distance) / unit, atol=1e-5
    )


@pytest.mark.parametrize("norm", [1, 4400])
def test_identical_vectors_have_distance_zero(norm: float) -> None:
    x = norm * random_embeddings(20, 256, 16) / 16
    assert (distance_matrix(x, x.clone()).diagonal() == 0).all()
    assert (distance_matrix(x, x.clone(), "cosine").diagonal() == 0).all()


def test_zero_vector_has_a_distance() -> None:
    zero, x = torch.zeros(1, 6, 4), random_embeddings(3)
    assert distance_matrix(zero, zero).item() == 0
    np.testing.assert_allclose(distance_matrix(zero, x)[0], x.norm(dim=1).mean(dim=1), rtol=1e-5)
    assert (distance_matrix(zero, x, "cosine") == 1).all()


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("bad", [1e20, 1.5e19, float("inf"), float("nan")])
@pytest.mark.parametrize("is_probe", [True, False])
def test_overflow_is_an_error(distance: str, bad: float, is_probe: bool) -> None:
    # The distances would be NaN, and whoever is compared with NaN alone comes first.
    good, spoilt = random_embeddings(3), random_embeddings(3)
    spoilt[1, 2, 3] = bad
    probes, gallery = (spoilt, good) if is_probe else (good, spoilt)
    with pytest.raises(DataError, match=r"the embeddings: found an embedding of norm .*, expected norms up to 9e\+18"):
        distance_matrix(probes, gallery, distance)


def test_different_shapes_are_an_error() -> None:
    message = "the probes: found embeddings of 6 x 4, expected 6 x 5, as in the gallery"
    with pytest.raises(ShapeError, match=re.escape(message)):
        distance_matrix(random_embeddings(2), random_embeddings(2, strips=5))
    with pytest.raises(ShapeError, match="embeddings of 6 x 4, expected 7 x 4"):
        distance_rows(random_embeddings(2), random_embeddings(2, width=7))


def test_distances_have_no_gradient() -> None:
    x = random_embeddings(3)
    for distance in DISTANCES:
        found = distance_matrix(x.clone().requires_grad_(), x, distance)
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, distance_matrix(x, x, distance))


@pytest.mark.parametrize("squared", [False, True])
def test_other_devices_give_the_same_distances(squared: bool) -> None:
    x, y = (random_embeddings(n, strips=3, seed=n).transpose(1, 2).contiguous() for n in (7, 9))
    on_cpu = np.empty((7, 9), np.float32)
    mean_distances(as_panels(x.numpy()), y.numpy(), squared, on_cpu)
    np.testing.assert_allclose(mean_distances_on_device(x, y, squared=squared), on_cpu, rtol=1e-6)


def test_read_only_embeddings_are_copied_to_a_device() -> None:
    x, y = (random_embeddings(n, seed=n).numpy() for n in (7, 9))
    strips = [values.swapaxes(1, 2).copy() for values in (x, y)]
    for values in strips:
        values.flags.writeable = False
    found = np.empty((7, 9), np.float32)
    DeviceComparison(strips[0], 4, torch.device("cpu"), squared=False).write(strips[1], found)
    np.testing.assert_allclose(found, distance_matrix(x, y), rtol=1e-6)


@pytest.mark.parametrize("norm", [1, 26, 4400, 1e5])
@pytest.mark.parametrize("spread", [1e-3, 1])
@pytest.mark.parametrize(("width", "strips"), [(256, 16), (256, 1), (300, 2), (3, 1)])
def test_distances_are_exact_to_one_millionth(norm: float, spread: float, width: int, strips: int) -> None:
    center = random_embeddings(1, width, strips)
    center *= norm / center.norm(dim=1, keepdim=True)
    x, y = (center + norm * spread * random_embeddings(n, width, strips, n) / width**0.5 for n in (37, 101))
    by_strip = [x.double()[:, None, :, s] - y.double()[None, :, :, s] for s in range(strips)]
    expected = sum(differences.square().sum(2).sqrt() for differences in by_strip) / strips
    np.testing.assert_allclose(distance_matrix(x, y), expected, rtol=1e-6)


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_distance_is_the_same_to_the_bit_in_every_batch_block_and_number_of_threads(distance: str) -> None:
    x, y = (26 + random_embeddings(n, 150, 3, n) for n in (37, 101))
    whole = distance_matrix(x, y, distance)
    for i, j in ((0, 0), (17, 64), (36, 100)):
        assert distance_matrix(x[i : i + 1], y[j : j + 1], distance).item() == whole[i, j].item()
    np.testing.assert_array_equal(distance_matrix(y, x, distance), whole.T)
    options = MatchingOptions(distance, memory_mb=4 * (101 + x[0].numel()) * 5 / 2**20)
    rows = distance_rows(x, y, options, tile_rows=3, tile_columns=7)(np.arange(37), np.arange(101))
    np.testing.assert_array_equal(np.concatenate([block.copy() for _, block in rows]), whole)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(distance_matrix(x, y, distance), whole)
    finally:
        numba.set_num_threads(threads)


def test_order_of_probes_does_not_change_distances() -> None:
    x, y = 100 + random_embeddings(23, 64, 2, 1), 100 + random_embeddings(31, 64, 2, 2)
    order = np.random.default_rng(0).permutation(23)
    np.testing.assert_array_equal(distance_matrix(x[order], y), distance_matrix(x, y)[order])
