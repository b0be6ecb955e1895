"""Distances between embeddings, computed in blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from skelgait.errors import DataError, ShapeError
from skelgait.matching.kernels import add_roots
from skelgait.matching.options import MatchingOptions
from skelgait.matching.registry import DISTANCES, DistanceFunction

Indices = NDArray[np.int64]

RowBlocks = Callable[[Indices, Indices], Iterator[tuple[int, NDArray[np.float32]]]]
"""Source of distances: takes indices of probes (P,) and of gallery entries (G,), yields blocks of rows.

Each block is a pair of the index of its first probe and the distances (n, G) of n probes. A block is valid until the
next one is requested.
"""

# The product of two such tiles runs nearly at full speed, and its result stays in the cache.
_TILE_ROWS, _TILE_COLUMNS = 1024, 2048

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
        ShapeError: if the embeddings of probes and gallery have different shapes.
    """
    options = options or MatchingOptions()
    if probes.shape[1:] != gallery.shape[1:]:
        found, expected = (" x ".join(map(str, vectors.shape[1:])) for vectors in (probes, gallery))
        raise ShapeError("the probes", f"embeddings of {found}", f"{expected}, as in the gallery", "use one network")
    device = options.device or torch.device("cpu")
    distance = DISTANCES[options.distance](device, tile_rows)

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
    """Mean over strips of the Euclidean distance, computed tile by tile in buffers that are reused.

    Args:
        device: device of the embeddings.
        tile_rows: probes compared at a time.
    """

    def __init__(self, device: torch.device, tile_rows: int = _TILE_ROWS) -> None:
        self._tile_rows = tile_rows
        self._products = torch.empty(0, device=device)
        self._totals = torch.empty(0, device=device)

    def begin(self, probes: Tensor) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        self._probes, self._squares = probes, _squares(probes)

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        n_strips, gallery_squares = gallery.shape[1], _squares(gallery)
        self._reserve(min(self._tile_rows, len(self._probes)) * len(gallery))
        for top in range(0, len(self._probes), self._tile_rows):
            rows = slice(top, top + self._tile_rows)
            probes, squares = self._probes[rows], self._squares[:, rows]
            shape = (len(probes), len(gallery))
            products, totals = (buffer[: shape[0] * shape[1]].view(shape) for buffer in (self._products, self._totals))
            totals.zero_()
            for strip in range(n_strips):
                torch.mm(probes[:, strip], gallery[:, strip].t(), out=products)
                add_euclidean(products, squares[strip], gallery_squares[strip], totals)
            out[rows] = totals.div_(n_strips)

    def _reserve(self, size: int) -> None:
        if len(self._products) < size:
            self._products, self._totals = self._products.new_empty(size), self._totals.new_empty(size)


def _squares(vectors: Tensor) -> Tensor:
    """Return the squared norms (S, n) of vectors (n, S, D)."""
    return _norms(vectors).square_().t().contiguous()


def _norms(vectors: Tensor) -> Tensor:
    """Return the norms (n, S) of vectors (n, S, D).

    Raises:
        DataError: if a norm is too large, infinite or NaN: distances would be NaN, which cannot be ranked.
    """
    norms: Tensor = torch.linalg.vector_norm(vectors, dim=2)
    is_valid = norms <= _LARGEST_NORM
    if not is_valid.all():
        found, hint = f"an embedding of norm {norms[~is_valid][0]:g}", "embed with an earlier checkpoint, or in float32"
        raise DataError("the embeddings", found, f"norms up to {_LARGEST_NORM:g}", hint)
    return norms


def add_euclidean(products: Tensor, probe_squares: Tensor, gallery_squares: Tensor, totals: Tensor) -> None:
    """Add the Euclidean distances of one strip to `totals` (P, G), in place.

    Args:
        products: (P, G) inner products.
        probe_squares: (P,) squared norms of the probes.
        gallery_squares: (G,) squared norms of the gallery entries.
        totals: (P, G) sums so far.
    """
    if products.is_cpu:
        add_roots(products.numpy(), probe_squares.numpy(), gallery_squares.numpy(), totals.numpy())
    else:
        totals += (probe_squares[:, None] + gallery_squares - 2 * products).clamp_(min=0).sqrt_()


class Cosine:
    """1 minus the mean over strips of the cosine, computed tile by tile."""

    def begin(self, probes: Tensor) -> None:
        """Set the probes (P, S, D) that the next tiles are compared with."""
        self._probes = _unit(probes)

    def write(self, gallery: Tensor, out: Tensor) -> None:
        """Write the distances to gallery entries (G, S, D) into `out` (P, G)."""
        # The sum over strips of products (P, D) by (D, G) is one product (P, S x D) by (S x D, G).
        out.copy_(torch.mm(self._probes, _unit(gallery).t()).mul_(-1 / gallery.shape[1]).add_(1))


def _unit(vectors: Tensor) -> Tensor:
    """Return vectors (n, S, D) as (n, S x D), each strip divided by its norm."""
    return (vectors / _norms(vectors).clamp_(min=1e-12)[..., None]).flatten(1)


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
        ShapeError: if the embeddings have different shapes.
        DataError: if an embedding is not finite, or too long for a distance in float32.
        SettingsError: if there is no such distance.

    >>> distance_matrix(torch.zeros(1, 2, 1), torch.tensor([[[3.0], [4.0]]]))
    tensor([[5.]])
    """
    whole = 2**31  # MiB: all rows in one block
    probes, gallery = (torch.as_tensor(values, dtype=torch.float32) for values in (probes, gallery))
    rows = distance_rows(probes, gallery, MatchingOptions(distance, memory_mb=whole))
    for _, block in rows(np.arange(len(probes)), np.arange(len(gallery))):
        return torch.from_numpy(block)
    return torch.empty(0, len(gallery))
