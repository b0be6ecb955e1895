"""Opening of a trained network in a file of any format: a checkpoint, which runs in torch, or an ONNX file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from skelgait.checkpoints.hub import local_checkpoint
from skelgait.embeddings.model import EmbeddingModel, NetworkFacts
from skelgait.models.registry import network_class
from skelgait.pipelines.comparability import published_preset
from skelgait.runtime.devices import pick_device, require_torch

if TYPE_CHECKING:
    from skelgait.checkpoints.checkpoint import Checkpoint

ONNX_SUFFIX = ".onnx"


def open_network(path: Path, device: str, precision: str) -> tuple[NetworkFacts, EmbeddingModel]:
    """Open a trained network.

    Args:
        path: checkpoint of skelgait or OpenGait; ONNX file of `skelgait export`, which needs no torch; or the name of
            such a file on a hub.
        device: `auto`, `cuda`, `mps` or `cpu`.
        precision: float32, bf16 or fp16; an ONNX file takes float32 alone.

    Raises:
        CheckpointError: if the file cannot be used.
        SettingsError: if the device or the precision cannot be used, or if a package is missing.
    """
    path = local_checkpoint(path)
    if path.suffix.lower() == ONNX_SUFFIX:
        return _open_onnx(path, device, precision)
    require_torch(path, "export it to ONNX on a machine with PyTorch: `skelgait export --format onnx`")
    from skelgait.checkpoints.checkpoint import load_checkpoint

    return open_checkpoint(load_checkpoint(path), device, precision)


def open_checkpoint(checkpoint: Checkpoint, device: str, precision: str) -> tuple[NetworkFacts, EmbeddingModel]:
    """Return the facts of a loaded checkpoint, and its network on a device."""
    from skelgait.embeddings.torch_model import TorchModel

    network = checkpoint.network()
    return network_facts(checkpoint), TorchModel(network, pick_device(device), precision)


def network_facts(checkpoint: Checkpoint) -> NetworkFacts:
    """Return the facts about the network of a loaded checkpoint."""
    sizes = asdict(checkpoint.architecture)
    name = sizes.pop("name")
    return NetworkFacts(
        network=name,
        modalities=network_class(name).modalities,
        sizes=sizes,
        iteration=checkpoint.iteration,
        test_embedding=checkpoint.test_embedding,
        data=dict(checkpoint.data),
        preset=published_preset(checkpoint),
        checkpoint_sha256=checkpoint.checkpoint_sha256,
    )


def _open_onnx(path: Path, device: str, precision: str) -> tuple[NetworkFacts, EmbeddingModel]:
    from skelgait.embeddings.onnx_file import open_onnx_file
    from skelgait.embeddings.onnx_model import OnnxModel

    file = open_onnx_file(path, device, precision)
    return file.facts, OnnxModel(file)
