"""Interface of a loss: its input, its output, and how it is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from torch import Tensor


class Recognition(Protocol):
    """Output of a network that losses use."""

    @property
    def embedding(self) -> Tensor:
        """(N, D, S) embeddings before the batch norm neck."""
        ...

    @property
    def logits(self) -> Tensor:
        """(N, classes, S) logits."""
        ...


class LossTerms(NamedTuple):
    """Value of one loss for a batch.

    Attributes:
        loss: scalar, unweighted.
        logged: more scalars to log, by name, without gradient.
    """

    loss: Tensor
    logged: Mapping[str, Tensor]


class Loss(Protocol):
    """One loss without trainable weights."""

    @property
    def over_all_ranks(self) -> bool:
        """True if it is computed on the sequences of all processes (`gather`), False if on those of its process."""
        ...

    def __call__(self, output: Recognition, labels: Tensor) -> LossTerms:
        """Return the loss.

        Args:
            output: output of the network for N sequences.
            labels: (N,) int64 class of each sequence, on the CPU or on the device of the output.
        """
        ...
