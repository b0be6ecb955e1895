"""Random outputs of a network."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Output(NamedTuple):
    """Embeddings (N, D, S) and logits (N, classes, S)."""

    embedding: Tensor
    logits: Tensor


def output_of(n_sequences: int) -> Output:
    """Return embeddings with D = 6 and logits of 5 classes for 3 strips, float64."""
    random = torch.Generator().manual_seed(n_sequences)
    embedding = torch.randn(n_sequences, 6, 3, generator=random, dtype=torch.float64)
    logits = torch.rand(n_sequences, 5, 3, generator=random, dtype=torch.float64) * 2 - 1
    return Output(embedding.requires_grad_(), logits.requires_grad_())
