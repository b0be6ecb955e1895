"""Embeddings of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import CheckpointError, ShapeError
from skelgait.matching.distances import Vectors
from skelgait.matching.vectors import check_vectors
from skelgait.storage import Key


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of sequences.

    Attributes:
        keys: embedded sequences.
        values: (N, D, S) float32: an array, a CPU tensor or rows of a file. Comparison is fastest if the D numbers of a
            strip are contiguous in memory.
        n_truncated: number of sequences that were cut to the maximum number of frames.

    Raises:
        ShapeError: if `values` are not (N, D, S), or not as many as `keys`.
    """

    keys: Sequence[Key]
    values: Vectors
    n_truncated: int = 0

    def __post_init__(self) -> None:
        """Check that there are embeddings (N, D, S) of N keys."""
        check_vectors(self.values, "embeddings")
        if len(self.keys) != self.values.shape[0]:
            found, expected = f"{self.values.shape[0]} embeddings", f"{len(self.keys)}, one for each key"
            raise ShapeError("embeddings", found, expected, "pass the keys of the embedded sequences, in order")


def check_finite(
    values: NDArray[np.float32], keys: Sequence[Key], where: str, indices: NDArray[np.int64] | None = None
) -> None:
    """Check that embeddings are finite.

    Args:
        values: embeddings (n, D, S).
        keys: keys of the sequences.
        where: location, for the error.
        indices: (n,) positions of the embeddings in `keys`; default: the first n.

    Raises:
        CheckpointError: if some are not; it gives their number and the key of the first.
    """
    # Quick test: a sum is finite only if all its terms are.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()):
            return
    is_finite = np.isfinite(values).all(axis=(1, 2))
    if is_finite.all():
        return
    position = int(np.flatnonzero(~is_finite)[0])
    first = keys[position if indices is None else indices[position]]
    n_bad = int((~is_finite).sum())
    found = f"NaN or infinity in {n_bad} embedding{'s' if n_bad > 1 else ''}, first in {first}"
    raise CheckpointError(where, found, "finite numbers", "embed with an earlier checkpoint, or in float32")
