"""Interface of a trained network that embeds batches, and the facts about it; one implementation a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from skelgait.models.inputs import Modality

if TYPE_CHECKING:
    import torch

BothEmbeddings = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Embeddings 1 and 2 (n, S, D) of n sequences, in the memory layout of embedding files."""


class NetworkFacts(BaseModel):
    """Facts about a trained network, as far as its file gives them; an exported file carries them as JSON.

    Attributes:
        network: name of the network.
        modalities: input of the network: ("map",) or ("map", "silhouette").
        sizes: sizes of the network by name: channels, blocks, classes, embedding_width and strips.
        iteration: number of optimizer steps.
        test_embedding: embedding to compare in evaluation, 1 or 2; None: unknown.
        data: training data, see `skelgait.sampling.fingerprint`; empty: unknown.
        preset: published preset that the network was trained with; empty: none.
        checkpoint_sha256: SHA-256 of the checkpoint that the file was exported from; empty: the file is a checkpoint.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    network: str
    modalities: tuple[Modality, ...]
    sizes: dict[str, Any]
    iteration: NonNegativeInt
    test_embedding: int | None = Field(None, ge=1, le=2)
    data: dict[str, Any] = Field(default_factory=dict)
    preset: str = ""
    checkpoint_sha256: str = ""


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
