"""Checkpoint for OpenGait."""

from __future__ import annotations

import io

import torch

from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.opengait.weights import to_opengait


def opengait_bytes(checkpoint: Checkpoint) -> bytes:
    """Return the content of a checkpoint file that OpenGait loads.

    It has the entries `model` and `iteration`. Without `optimizer` and `scheduler`, OpenGait starts these anew.

    Args:
        checkpoint: trained network.
    """
    buffer = io.BytesIO()
    torch.save({"model": to_opengait(checkpoint.weights), "iteration": checkpoint.iteration}, buffer)
    return buffer.getvalue()
