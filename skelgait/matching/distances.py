"""Distances between embeddings, computed in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.matching.distance_kernels import as_panels, mean_distances
from skelgait.matching.options import MatchingOptions
from skelgait.matching.registry import DISTANCES
from skelgait.matching.vectors import as_floats, check_vectors

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from skelgait.matching.registry import Floats

Indices = NDArray[np.int64]

RowBlocks = Callable[[Indices, Indices], Iterator[tuple[int, NDArray[np.float32]]]]
"""Source of distances: takes indices of probes (P,) and of gallery entries (G,), yields blocks of rows.

Each block is a pair of the index of its first probe and the distances (n, G) of n probes. A block is valid until the
next one is requested.
"""

# A tile of distances and its numbers of one strip stay in the cache.
_TILE_ROWS, _TILE_COLUMNS = 256, 512

# The squared distance of two embeddings of this length is still finite in float32.
_LARGEST_NORM = 9e18


class Vectors(Protocol):
    """Embeddings (N, D, S) in memory or in a file: an array, a tensor, or rows that are read on demand.

    Indexing by a slice or by an integer array gives an array or a tensor (n, D, S).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (N, D, S)."""
        ...

    def __getitem__(self, rows: slice | Indices, /) -> Floats | Tensor: ...


def distance_rows(
    probes: Vectors,
    gallery: Vectors,
    options: MatchingOptions | None = None,
    *,
    tile_rows: int = _TILE_ROWS,
    tile_columns: int = _TILE_COLUMNS,
) -> RowBlocks:
    """Return a source of float32 distances between probes and gallery entries, smaller is closer.

    Args:
        probes: embeddings (P, D, S).
        gallery: embeddings (G, D, S); may be the same object.
        options: distance, device and memory; re-ranking is ignored, see `skelgait.matching.reranking.compare_all`.
        tile_rows: probes compared at a time; only the speed depends on it.
        tile_columns: gallery entries compared at a time; only the speed depends on it.

    Returns:
        Source of distances. It raises DataError if an embedding is not finite, or too long for a distance in float32.

    Raises:
        ShapeError: if the embeddings are not (N, D, S), or those of probes and gallery have different D or S.
    """
    options = options or MatchingOptions()
    check_vectors(probes, "the probes")
    check_vectors(gallery, "the gallery")
    if probes.shape[1:] != gallery.shape[1:]:
        found, expected = (" x ".join(map(str, vectors.shape[1:])) for vectors in (probes, gallery))
        raise ShapeError("the probes", f"embeddings of {found}", f"{expected}, as in the gallery", "use one network")
    distance = DISTANCES[options.distance](tile_rows, options.device)

    def rows(probe_indices: Indices, gallery_indices: Indices) -> Iterator[tuple[int, NDArray[np.float32]]]:
        row_bytes = 4 * (len(gallery_indices) + probes.shape[1] * probes.shape[2])
        height = max(1, min(len(probe_indices), int(options.memory_mb * 2**20) // max(1, row_bytes)))
        buffer = np.empty((height, len(gallery_indices)), np.float32)
        for start in range(0, len(probe_indices), height):
            distance.begin(_strips(probes, probe_indices[start : start + height]))
            block = buffer[: len(probe_indices) - start]
            for left in range(0, len(gallery_indices), tile_columns):
                tile = _strips(gallery, gallery_indices[left : left + tile_columns])
                distance.write(tile, block[:, left : left + len(tile)])
            yield start, block

    return rows


def as_slice(indices: Indices) -> slice | Indices:
    """Return consecutive indices as a slice, which is read without a copy; return others unchanged."""
    if len(indices) and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def _strips(vectors: Vectors, indices: Indices) -> Floats:
    """Return embeddings as (n, S, D) float32; consecutive ones in that memory layout are not copied."""
    return np.ascontiguousarray(as_floats(vectors[as_slice(indices)]).swapaxes(1, 2))


class Euclidean:
    """Mean over strips of the Euclidean distance, computed tile by tile.

    Args:
        tile_rows: probes compared at a time.
        device: device that computes; default: the CPU, without torch.
    """

    def __init__(self, tile_rows: int = _TILE_ROWS, device: torch.device | None = None) -> None:
        self._tile_rows, self._device = tile_rows, device

    def begin(self, probes: Floats) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        check_norms(probes)
        self._probes = _comparison(probes, self._tile_rows, self._device, squared=False)

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        check_norms(gallery)
        self._probes.write(gallery, out)


class Cosine:
    """1 minus the mean over strips of the cosine, computed tile by tile.

    It is half the squared Euclidean distance of unit vectors. The distance to a vector of length 0 is 1.

    Args:
        tile_rows: probes compared at a time.
        device: device that computes; default: the CPU, without torch.
    """

    def __init__(self, tile_rows: int = _TILE_ROWS, device: torch.device | None = None) -> None:
        self._tile_rows, self._device = tile_rows, device

    def begin(self, probes: Floats) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        unit, self._zeros = _unit(probes)
        self._probes = _comparison(unit, self._tile_rows, self._device, squared=True)

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        unit, zeros = _unit(gallery)
        self._probes.write(unit, out)
        # Half the squared distance of a unit vector and a vector of length 0 is 1/2, of two such vectors 0.
        out += self._zeros[:, None] + zeros
        out /= 2


class _Comparison(Protocol):
    """Comparison of probes with gallery entries (G, S, D): writes the means over strips into `out` (P, G)."""

    def write(self, gallery: Floats, out: Floats) -> None: ...


def _comparison(probes: Floats, tile_rows: int, device: torch.device | None, *, squared: bool) -> _Comparison:
    """Return the comparison of probes (P, S, D) on a device; `squared`: of squared Euclidean distances."""
    if device is None or device.type == "cpu":
        return _StripComparison(probes, tile_rows, squared=squared)
    from skelgait.matching.on_device import DeviceComparison

    return DeviceComparison(probes, tile_rows, device, squared=squared)


class _StripComparison:
    """Comparison of probes (P, S, D) with gallery entries, strip by strip, by differences of single numbers.

    The products of a matrix library are faster on some devices. But |a|^2 + |b|^2 - 2ab loses small distances of long
    vectors, and its last digits depend on the other vectors. By differences, a distance is precise to 1e-6 of itself,
    the same to the bit in every batch, and 0 for equal vectors.

    Args:
        probes: embeddings (P, S, D).
        tile_rows: probes compared at a time.
        squared: True: mean over strips of the squared Euclidean distances; False: of the distances.
    """

    def __init__(self, probes: Floats, tile_rows: int, *, squared: bool) -> None:
        self._squared = squared
        self._tiles = [as_panels(tile) for tile in tiles(probes, tile_rows)]
        self._tile_rows = tile_rows

    def write(self, gallery: Floats, out: Floats) -> None:
        """Write the means over strips for gallery entries (G, S, D) into `out` (P, G)."""
        for tile, rows in zip(self._tiles, tiles(out, self._tile_rows), strict=True):
            means = np.empty(rows.shape, np.float32)
            mean_distances(tile, gallery, self._squared, means)
            rows[:] = means


def tiles(rows: Floats, size: int) -> list[Floats]:
    """Return consecutive parts of an array, of `size` rows or fewer."""
    return [rows[top : top + size] for top in range(0, len(rows), size)]


def check_norms(vectors: Floats) -> None:
    """Check the norms of vectors (n, S, D).

    Raises:
        DataError: if a norm is too large, infinite or NaN: distances would be NaN, which cannot be ranked.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        _check(np.sqrt(np.einsum("nsd,nsd->ns", vectors, vectors)))


def _check(norms: NDArray[np.floating]) -> None:
    is_valid = norms <= _LARGEST_NORM
    if not is_valid.all():
        found, hint = f"an embedding of norm {norms[~is_valid][0]:g}", "embed with an earlier checkpoint, or in float32"
        raise DataError("the embeddings", found, f"norms up to {_LARGEST_NORM:g}", hint)


def _unit(vectors: Floats) -> tuple[Floats, Floats]:
    """Return vectors (n, S, D) divided by their norms, and the share (n,) of strips of length 0."""
    norms: NDArray[np.float64] = np.sqrt(np.square(vectors, dtype=np.float64).sum(axis=2))
    _check(norms)
    zeros = norms == 0
    lengths = np.where(zeros, 1, norms).astype(np.float32)
    return np.divide(vectors, lengths[..., None]), zeros.astype(np.float32).mean(1)


def distance_matrix(probes: ArrayLike, gallery: ArrayLike, distance: str = "euclidean") -> Floats:
    """Return the float32 distances (P, G) of all probes to all gallery entries, smaller is closer.

    Args:
        probes: embeddings (P, D, S): array, CPU tensor or nested list.
        gallery: embeddings (G, D, S), likewise.
        distance: name of the distance; default: euclidean.

    Raises:
        ShapeError: if the embeddings are not (N, D, S), have different D or S, or are masked.
        DataError: if an embedding is not finite, or too long for a distance in float32.
        SettingsError: if there is no such distance.

    >>> distance_matrix(np.zeros((1, 2, 1)), np.array([[[3.0], [4.0]]]))
    array([[5.]], dtype=float32)
    """
    whole = 2**31  # MiB: all rows in one block
    probes, gallery = _as_array(probes, "the probes"), _as_array(gallery, "the gallery")
    rows = distance_rows(probes, gallery, MatchingOptions(distance, memory_mb=whole))
    for _, block in rows(np.arange(len(probes)), np.arange(len(gallery))):
        return block
    return np.empty((0, len(gallery)), np.float32)


def _as_array(values: ArrayLike, where: str) -> Floats:
    """Return embeddings (N, D, S) as float32; refuse other ranks, and arrays whose mask would be lost."""
    if isinstance(values, np.ma.MaskedArray):
        check_vectors(values, where)
    try:
        return as_floats(values)
    except (TypeError, ValueError) as error:
        found = f"a {type(values).__name__} that is no array ({error})"
        raise ShapeError(where, found, "embeddings (N, D, S)", "pass numbers, the same number in each list") from error
