"""Checkpoint as safetensors, a format that cannot hold code."""

from __future__ import annotations

import safetensors.torch

from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.embeddings.onnx_file import METADATA_KEY
from skelgait.opengait.weights import to_opengait


def safetensors_bytes(checkpoint: Checkpoint, metadata: str) -> bytes:
    """Return the content of a safetensors file, which every command accepts as a checkpoint.

    Args:
        checkpoint: trained network; the state of its training is left out.
        metadata: facts about it, see `metadata_json`.
    """
    weights = {name: weight.contiguous() for name, weight in to_opengait(checkpoint.weights).items()}
    return safetensors.torch.save(weights, {METADATA_KEY: metadata})
