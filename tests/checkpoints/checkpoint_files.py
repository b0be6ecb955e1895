"""Weights and files for tests of checkpoints."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from skelgait.checkpoints.architecture import Architecture
from skelgait.opengait.weights import to_opengait

SMALL = Architecture("skeletongait", (16, 8, 12, 20), (1, 2, 3, 1), classes=5, embedding_width=6, strips=8)
SMALL_PLUS = Architecture("skeletongait++", (16, 8, 12, 20), (2, 1, 1, 2), classes=5, embedding_width=6, strips=16)
CCPG = Architecture("skeletongait", (64, 128, 256, 512), (1, 1, 1, 1), classes=100, embedding_width=256, strips=16)

MANY = 10**9
FCS, CLASSIFIER = "FCs.fc_bin", "BNNecks.fc_bin"


def zeros(*shape: int) -> Tensor:
    """Return zeros, which take no memory if they are too many for a file; an integer without a shape."""
    if not shape:
        return torch.zeros((), dtype=torch.int64)
    return torch.zeros(shape) if math.prod(shape) < MANY else torch.zeros(1).expand(shape)


def weights_of(architecture: Architecture) -> dict[str, Tensor]:
    """Return a state dict of zeros with OpenGait names."""
    weights = to_opengait(architecture.build_on_meta().state_dict())
    return {name: zeros(*weight.shape) for name, weight in weights.items()}


def write_opengait(path: Path, weights: dict[str, Tensor], **more: object) -> Path:
    """Write a checkpoint like OpenGait, and return its path."""
    content = {"model": weights, "optimizer": {"state": {}}, "scheduler": {"last_epoch": 7}, "iteration": 7, **more}
    torch.save(content, path)
    return path
