"""Interface of a trained network that embeds batches; one implementation a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

BothEmbeddings = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Embeddings 1 and 2 (n, S, D) of n sequences, in the memory layout of embedding files."""


class EmbeddingModel(Protocol):
    """Trained network on its device."""

    @property
    def device(self) -> str:
        """Name of the device, for example `cpu` or `cuda:0`."""
        ...

    @property
    def torch_device(self) -> torch.device | None:
        """Device for distances; None: the CPU, which needs no torch."""
        ...

    def embed(self, frames: NDArray[np.uint8], lengths: Sequence[int]) -> BothEmbeddings:
        """Return both embeddings of N sequences.

        Args:
            frames: (F, C, 64, 44) gray levels, frames of all sequences, one sequence after the other.
            lengths: N numbers of frames that sum to F.
        """
        ...
