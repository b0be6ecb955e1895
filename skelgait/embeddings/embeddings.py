"""What a network says of sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.errors import CheckpointError
from skelgait.matching import Vectors
from skelgait.storage import Key


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of sequences.

    Attributes:
        keys: whose they are.
        values: (N, D, S) float32, on the CPU or in a file; compared fastest where the D numbers of a strip lie beside
            each other in memory.
        n_cut: sequences that were longer than what was used of them.
    """

    keys: Sequence[Key]
    values: Vectors
    n_cut: int = 0


def check_finite(
    values: torch.Tensor, keys: Sequence[Key], where: str, numbers: NDArray[np.int64] | None = None
) -> None:
    """Refuse embeddings (n, D, S) that are not finite numbers.

    Args:
        values: the embeddings.
        keys: whose they are.
        where: names them in the error.
        numbers: (n,) which of `keys` they are of; the first n where None.

    Raises:
        CheckpointError: some are not; names `where`, how many, and whose is the first.
    """
    # A quick look at first: a sum is finite only where all its terms are.
    if values.sum().isfinite():
        return
    finite = values.isfinite().flatten(1).all(1)
    if finite.all():
        return
    place = int((~finite).nonzero()[0])
    first = keys[place if numbers is None else numbers[place]]
    found = f"{int((~finite).sum())} that are not finite, first that of {first}"
    raise CheckpointError(where, found, "numbers", "embed with an earlier checkpoint, or in float32")
