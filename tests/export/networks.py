"""Checkpoints to export."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import Checkpoint, save_checkpoint

SIZES = {"channels": (4, 6, 8, 12), "blocks": (1, 2, 1, 1), "classes": 5, "embedding_width": 7, "strips": 16}
DATA = {"path": "/home/anna/maps", "identities": 5, "drawn": {"sigma_px": 5.0, "fill": "mean"}}
SETTINGS = {"seed": 3, "init": "/home/anna/first.pt"}


def write_checkpoint(path: Path, name: str) -> Checkpoint:
    """Write a checkpoint of a small network whose batch norm statistics are not those of a new network."""
    torch.manual_seed(1)
    architecture = Architecture(name, **SIZES)
    network = architecture.build()
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    checkpoint = Checkpoint(architecture, network.state_dict(), 400, 2, settings=SETTINGS, data=DATA)
    save_checkpoint(path, checkpoint)
    return checkpoint
