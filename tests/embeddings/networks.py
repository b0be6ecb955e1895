"""Small networks with statistics of their own, as a trained one has, and sequences of many lengths for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from skelgait.checkpoints.architecture import Architecture
from skelgait.models import GaitNetwork
from skelgait.opengait.weights import to_opengait
from skelgait.storage import Key, PickleTreeWriter
from tests.checkpoints.checkpoint_files import SMALL, write_opengait

# Several lengths twice, one frame alone, and one longer than what tests use of it.
LENGTHS = (5, 1, 12, 7, 5, 3, 9, 2, 12)


def small_network(architecture: Architecture = SMALL, seed: int = 0) -> GaitNetwork:
    """A network whose batch norm has seen something."""
    torch.manual_seed(seed)
    network = architecture.build()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return network.eval()


def write_checkpoint(path: Path, architecture: Architecture = SMALL, seed: int = 0) -> Path:
    """A checkpoint of `small_network`."""
    return write_opengait(path, to_opengait(small_network(architecture, seed).state_dict()))


def write_maps(root: Path, with_silhouettes: bool = False) -> Path:
    """A tree of random maps, or of pairs, with a sequence of each length."""
    for n, length in enumerate(LENGTHS):
        rng = np.random.default_rng(n)
        key = Key(f"{n // 2:03d}", "nm", str(n % 2))
        maps = rng.integers(0, 255, (length, 2, 64, 64), np.uint8)
        PickleTreeWriter(root).write(key, maps, "0_heatmap" if with_silhouettes else None)
        if with_silhouettes:
            PickleTreeWriter(root).write(key, 255 * (maps[:, 0] > 99).astype(np.uint8), "1_sil")
    return root
