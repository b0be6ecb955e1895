"""Distances between embeddings, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.matching.kernels import add_roots

Distance = Literal["euclidean", "cosine"]
Indices = NDArray[np.int64]

RowBlocks = Callable[[Indices, Indices], Iterator[tuple[int, NDArray[np.float32]]]]
"""From (p,) and (g,) numbers of sequences to the distances of all pairs, in blocks of rows: a start, and (n, g)."""

# A product of this many rows by this many columns runs at nearly the full rate, and what it gives stays in the cache.
_TILE_ROWS, _TILE_COLUMNS = 1024, 2048
_MEGABYTE = 2**20

# The squared distance of two embeddings of this length is still a number in float32.
_LONGEST = 9e18


class Vectors(Protocol):
    """N embeddings (D, S): a tensor, or what lies in a file.

    Indexed by a slice or by an array of integers, it gives a tensor (n, D, S).
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, D, S)."""
        ...

    def __getitem__(self, rows: slice | Indices, /) -> Tensor: ...


def distance_rows(
    probes: Vectors,
    gallery: Vectors,
    distance: Distance = "euclidean",
    *,
    device: torch.device | None = None,
    memory_mb: int = 512,
) -> RowBlocks:
    """Distances of any of some embeddings to any of others, in float32; smaller is closer.

    `euclidean`: the mean over strips of the Euclidean distance. `cosine`: 1 minus the mean over strips of the cosine.

    Args:
        probes: (N, D, S) embeddings.
        gallery: (M, D, S) embeddings; they may be the same.
        distance: which of the two.
        device: where they are computed; the CPU where None.
        memory_mb: MiB that a block and the embeddings of its rows may take; it has one row at least. The embeddings of
            2048 columns come on top.

    Returns:
        A function of the numbers of probes (p,) and of gallery entries (g,). A block is valid until the next one is
        asked for; asking raises DataError where an embedding is no number, or too large for a distance in float32.

    Raises:
        ShapeError: the embeddings are of different shapes.
        SettingsError: there is no such distance.
    """
    if distance not in get_args(Distance):
        raise SettingsError("distance", str(distance), f"one of {', '.join(get_args(Distance))}", "name one of them")
    if probes.shape[1:] != gallery.shape[1:]:
        found, expected = (" x ".join(map(str, of.shape[1:])) for of in (probes, gallery))
        raise ShapeError("the probes", f"embeddings of {found}", f"{expected}, as in the gallery", "use one network")
    where = device or torch.device("cpu")
    compare = _Cosine() if distance == "cosine" else _Euclidean(where)

    def rows(these: Indices, those: Indices) -> Iterator[tuple[int, NDArray[np.float32]]]:
        row_bytes = 4 * (len(those) + probes.shape[1] * probes.shape[2])
        height = max(1, min(len(these), memory_mb * _MEGABYTE // max(1, row_bytes)))
        block = torch.empty(height, len(those))
        for start in range(0, len(these), height):
            compare.begin(_strips(probes, these[start : start + height], where))
            filled = block[: len(these) - start]
            for left in range(0, len(those), _TILE_COLUMNS):
                tile = _strips(gallery, those[left : left + _TILE_COLUMNS], where)
                compare.write(tile, filled[:, left : left + len(tile)])
            yield start, filled.numpy()

    return rows


def as_slice(rows: Indices) -> slice | Indices:
    """Ascending neighbors as a slice, which is read without a copy; any others as they are."""
    if len(rows) and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _strips(vectors: Vectors, rows: Indices, device: torch.device) -> Tensor:
    """(n, S, D) float32; neighbors that lie so in memory are not copied."""
    return vectors[as_slice(rows)].detach().transpose(1, 2).to(device, torch.float32).contiguous()


class _Euclidean:
    """The mean over strips of the Euclidean distance, tile by tile, in buffers that are used again."""

    def __init__(self, device: torch.device) -> None:
        self._products = torch.empty(_TILE_ROWS * _TILE_COLUMNS, device=device)
        self._totals = torch.empty(_TILE_ROWS * _TILE_COLUMNS, device=device)

    def begin(self, probes: Tensor) -> None:
        """Compare (p, S, D) from now on."""
        self._probes, self._squares = probes, _squares(probes)

    def write(self, tile: Tensor, out: Tensor) -> None:
        """Write the distances to (g, S, D) into (p, g)."""
        strips, squares = tile.shape[1], _squares(tile)
        for top in range(0, len(self._probes), _TILE_ROWS):
            rows = slice(top, top + _TILE_ROWS)
            some, own_squares = self._probes[rows], self._squares[:, rows]
            shape = (len(some), len(tile))
            products, totals = (
                part[: some.shape[0] * len(tile)].view(shape) for part in (self._products, self._totals)
            )
            totals.zero_()
            for strip in range(strips):
                torch.mm(some[:, strip], tile[:, strip].t(), out=products)
                _add_distances(products, own_squares[strip], squares[strip], totals)
            out[rows] = totals.div_(strips)


def _squares(vectors: Tensor) -> Tensor:
    """(S, n) squared lengths of (n, S, D)."""
    return _lengths(vectors).square_().t().contiguous()


def _lengths(vectors: Tensor) -> Tensor:
    """(n, S) lengths of (n, S, D); refuses those whose distances would be NaN, which no ranking can place."""
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=2)
    fits = lengths <= _LONGEST
    if not fits.all():
        found, hint = f"one of length {lengths[~fits][0]:g}", "embed with an earlier checkpoint, or in float32"
        raise DataError("the embeddings", found, f"lengths up to {_LONGEST:g}", hint)
    return lengths


def _add_distances(products: Tensor, row_squares: Tensor, column_squares: Tensor, totals: Tensor) -> None:
    if products.is_cpu:
        add_roots(products.numpy(), row_squares.numpy(), column_squares.numpy(), totals.numpy())
    else:
        totals += (row_squares[:, None] + column_squares - 2 * products).clamp_(min=0).sqrt_()


class _Cosine:
    """1 minus the mean over strips of the cosine, tile by tile."""

    def begin(self, probes: Tensor) -> None:
        """Compare (p, S, D) from now on."""
        self._probes = _unit(probes)

    def write(self, tile: Tensor, out: Tensor) -> None:
        """Write the distances to (g, S, D) into (p, g)."""
        # The sum over strips of products (p, D) by (D, g) is one product (p, S x D) by (S x D, g).
        out.copy_(torch.mm(self._probes, _unit(tile).t()).mul_(-1 / tile.shape[1]).add_(1))


def _unit(vectors: Tensor) -> Tensor:
    return (vectors / _lengths(vectors).clamp_(min=1e-12)[..., None]).flatten(1)


def distance_matrix(probes: Tensor, gallery: Tensor, distance: Distance = "euclidean") -> Tensor:
    """Distances of all probes (P, D, S) to all gallery entries (G, D, S): (P, G) float32, see `distance_rows`.

    Raises:
        ShapeError: the embeddings are of different shapes.
        DataError: an embedding is no number, or too large for a distance in float32.
    """
    everything = 2**31  # MiB: all in one block
    rows = distance_rows(probes, gallery, distance, memory_mb=everything)
    for _, block in rows(np.arange(len(probes)), np.arange(len(gallery))):
        return torch.from_numpy(block)
    return torch.empty(0, len(gallery))
