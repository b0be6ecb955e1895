"""Distances between embeddings, computed in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from skelgait.errors import DataError, ShapeError
from skelgait.matching.distance_kernels import as_panels, mean_distances
from skelgait.matching.options import MatchingOptions
from skelgait.matching.registry import DISTANCES, DistanceFunction
from skelgait.matching.vectors import check_vectors

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
    """Embeddings (N, D, S) in memory or in a file.

    Indexing by a slice or by an integer array gives a tensor (n, D, S).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape (N, D, S)."""
        ...

    def __getitem__(self, rows: slice | Indices, /) -> Tensor: ...


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
    device = options.device or torch.device("cpu")
    distance = DISTANCES[options.distance](tile_rows)

    def rows(probe_indices: Indices, gallery_indices: Indices) -> Iterator[tuple[int, NDArray[np.float32]]]:
        row_bytes = 4 * (len(gallery_indices) + probes.shape[1] * probes.shape[2])
        height = max(1, min(len(probe_indices), int(options.memory_mb * 2**20) // max(1, row_bytes)))
        buffer = torch.empty(height, len(gallery_indices))
        for start in range(0, len(probe_indices), height):
            distance.begin(_strips(probes, probe_indices[start : start + height], device))
            block = buffer[: len(probe_indices) - start]
            for left in range(0, len(gallery_indices), tile_columns):
                tile = _strips(gallery, gallery_indices[left : left + tile_columns], device)
                distance.write(tile, block[:, left : left + len(tile)])
            yield start, block.numpy()

    return rows


def as_slice(indices: Indices) -> slice | Indices:
    """Return consecutive indices as a slice, which is read without a copy; return others unchanged."""
    if len(indices) and (np.diff(indices) == 1).all():
        return slice(int(indices[0]), int(indices[-1]) + 1)
    return indices


def _strips(vectors: Vectors, indices: Indices, device: torch.device) -> Tensor:
    """Return embeddings as (n, S, D) float32; consecutive ones in that memory layout are not copied."""
    return vectors[as_slice(indices)].detach().transpose(1, 2).to(device, torch.float32).contiguous()


class Euclidean:
    """Mean over strips of the Euclidean distance, computed tile by tile.

    Args:
        tile_rows: probes compared at a time.
    """

    def __init__(self, tile_rows: int = _TILE_ROWS) -> None:
        self._tile_rows = tile_rows

    def begin(self, probes: Tensor) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        _norms(probes)
        self._probes = _StripComparison(probes, self._tile_rows, squared=False)

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        _norms(gallery)
        self._probes.write(gallery, out)


class Cosine:
    """1 minus the mean over strips of the cosine, computed tile by tile.

    It is half the squared Euclidean distance of unit vectors. The distance to a vector of length 0 is 1.

    Args:
        tile_rows: probes compared at a time.
    """

    def __init__(self, tile_rows: int = _TILE_ROWS) -> None:
        self._tile_rows = tile_rows

    def begin(self, probes: Tensor) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        unit, self._zeros = _unit(probes)
        self._probes = _StripComparison(unit, self._tile_rows, squared=True)

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        unit, zeros = _unit(gallery)
        self._probes.write(unit, out)
        # Half the squared distance of a unit vector and a vector of length 0 is 1/2, of two such vectors 0.
        out.add_((self._zeros[:, None] + zeros).to(out.device)).div_(2)


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

    def __init__(self, probes: Tensor, tile_rows: int, *, squared: bool) -> None:
        self._squared = squared
        self._tiles = [as_panels(tile.numpy()) if tile.is_cpu else tile for tile in _tiles(probes, tile_rows)]
        self._tile_rows = tile_rows

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the means over strips for gallery entries (G, S, D) into `out` (P, G)."""
        for tile, rows in zip(self._tiles, _tiles(out, self._tile_rows), strict=True):
            if isinstance(tile, Tensor):
                rows.copy_(mean_distances_on_device(tile, gallery, squared=self._squared))
            else:
                means = np.empty(rows.shape, np.float32)
                mean_distances(tile, gallery.numpy(), self._squared, means)
                rows.copy_(torch.from_numpy(means))


def _tiles(rows: Tensor, size: int) -> list[Tensor]:
    """Return consecutive parts of a tensor, of `size` rows or fewer."""
    return [rows[top : top + size] for top in range(0, len(rows), size)]


def mean_distances_on_device(probes: Tensor, gallery: Tensor, *, squared: bool) -> Tensor:
    """Return the mean over strips of the distances (P, G) of probes (P, S, D) to gallery entries (G, S, D)."""
    distances = torch.cdist(
        probes.transpose(0, 1), gallery.transpose(0, 1), compute_mode="donot_use_mm_for_euclid_dist"
    )
    return (distances.square_() if squared else distances).mean(0)


def _norms(vectors: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return the norms (n, S) of vectors (n, S, D), computed in a type of numbers.

    Raises:
        DataError: if a norm is too large, infinite or NaN: distances would be NaN, which cannot be ranked.
    """
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=2, dtype=dtype)
    is_valid = norms <= _LARGEST_NORM
    if not is_valid.all():
        found, hint = f"an embedding of norm {norms[~is_valid][0]:g}", "embed with an earlier checkpoint, or in float32"
        raise DataError("the embeddings", found, f"norms up to {_LARGEST_NORM:g}", hint)
    return norms


def _unit(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Return vectors (n, S, D) divided by their norms, and the share (n,) of strips of length 0."""
    norms = _norms(vectors, torch.float64)
    zeros = norms == 0
    return vectors / norms.masked_fill(zeros, 1)[..., None].float(), zeros.float().mean(1)


class FunctionDistance:
    """Distance defined by a function, see `skelgait.matching.registry.register_distance`.

    Args:
        name: name of the distance, for errors.
        function: function of probes (P, D, S) and gallery entries (G, D, S) that returns distances (P, G).
        tile_rows: probes compared at a time.
    """

    def __init__(self, name: str, function: DistanceFunction, tile_rows: int = _TILE_ROWS) -> None:
        self._name = name
        self._function = function
        self._tile_rows = tile_rows

    def begin(self, probes: Tensor) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        _norms(probes)
        self._probes = probes.transpose(1, 2)

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G).

        Raises:
            ShapeError: if the function returns another shape.
        """
        _norms(gallery)
        for top in range(0, len(self._probes), self._tile_rows):
            rows = slice(top, top + self._tile_rows)
            distances = self._function(self._probes[rows], gallery.transpose(1, 2))
            if distances.shape != out[rows].shape:
                found, expected = tuple(distances.shape), tuple(out[rows].shape)
                hint = "return one distance for each probe (rows) and gallery entry (columns)"
                raise ShapeError(f"distance {self._name}", f"shape {found}", f"{expected}", hint)
            out[rows] = distances


def distance_matrix(probes: Tensor | ArrayLike, gallery: Tensor | ArrayLike, distance: str = "euclidean") -> Tensor:
    """Return the float32 distances (P, G) of all probes to all gallery entries, smaller is closer.

    Args:
        probes: embeddings (P, D, S): CPU tensor, array or nested list.
        gallery: embeddings (G, D, S), likewise.
        distance: name of the distance; default: euclidean.

    Raises:
        ShapeError: if the embeddings are not (N, D, S), have different D or S, or are masked.
        DataError: if an embedding is not finite, or too long for a distance in float32.
        SettingsError: if there is no such distance.

    >>> distance_matrix(torch.zeros(1, 2, 1), torch.tensor([[[3.0], [4.0]]]))
    tensor([[5.]])
    """
    whole = 2**31  # MiB: all rows in one block
    probes, gallery = _as_tensor(probes, "the probes"), _as_tensor(gallery, "the gallery")
    rows = distance_rows(probes, gallery, MatchingOptions(distance, memory_mb=whole))
    for _, block in rows(np.arange(len(probes)), np.arange(len(gallery))):
        return torch.from_numpy(block)
    return torch.empty(0, len(gallery))


def _as_tensor(values: Tensor | ArrayLike, where: str) -> Tensor:
    """Return embeddings (N, D, S) as float32; refuse other ranks, and arrays whose mask would be lost."""
    if isinstance(values, np.ma.MaskedArray):
        check_vectors(values, where)
    try:
        return torch.as_tensor(values, dtype=torch.float32)
    except (TypeError, ValueError) as error:
        found = f"a {type(values).__name__} that is no array ({error})"
        raise ShapeError(where, found, "embeddings (N, D, S)", "pass numbers, the same number in each list") from error
