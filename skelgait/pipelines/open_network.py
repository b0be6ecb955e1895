"""Opening of a trained network in a file of any format: a checkpoint, which runs in torch, or an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skelgait.checkpoints.hub import local_checkpoint
from skelgait.embeddings.model import EmbeddingModel
from skelgait.models.inputs import Modality
from skelgait.pipelines.comparability import published_preset
from skelgait.runtime.devices import pick_device, require_torch

if TYPE_CHECKING:
    from skelgait.checkpoints.checkpoint import Checkpoint

ONNX_SUFFIX = ".onnx"


@dataclass(frozen=True)
class NetworkFacts:
    """Facts about a trained network, as far as its file gives them.

    Attributes:
        name: name of the network.
        modalities: input of the network: ("map",) or ("map", "silhouette").
        sizes: sizes of the network by name: channels, blocks, classes, embedding_width and strips.
        iteration: number of optimizer steps.
        test_embedding: embedding to compare in evaluation, 1 or 2; None: unknown.
        data: training data, see `skelgait.sampling.fingerprint`; empty: unknown.
        preset: published preset that the network was trained with; empty: none.
        checkpoint_sha256: SHA-256 of the checkpoint that the file was exported from; empty: the file is a checkpoint.
    """

    name: str
    modalities: tuple[Modality, ...]
    sizes: Mapping[str, object]
    iteration: int
    test_embedding: int | None
    data: Mapping[str, Any]
    preset: str = ""
    checkpoint_sha256: str = ""


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
    if path.suffix == ONNX_SUFFIX:
        return _open_onnx(path, device, precision)
    require_torch(path, "export it to ONNX on a machine with PyTorch: `skelgait export --format onnx`")
    from skelgait.checkpoints.checkpoint import load_checkpoint

    return open_checkpoint(load_checkpoint(path), device, precision)


def open_checkpoint(checkpoint: Checkpoint, device: str, precision: str) -> tuple[NetworkFacts, EmbeddingModel]:
    """Return the facts of a loaded checkpoint, and its network on a device."""
    from skelgait.embeddings.torch_model import TorchModel

    network = checkpoint.network()
    sizes = asdict(checkpoint.architecture)
    facts = NetworkFacts(
        name=sizes.pop("name"),
        modalities=network.modalities,
        sizes=sizes,
        iteration=checkpoint.iteration,
        test_embedding=checkpoint.test_embedding,
        data=checkpoint.data,
        preset=published_preset(checkpoint),
    )
    return facts, TorchModel(network, pick_device(device), precision)


def _open_onnx(path: Path, device: str, precision: str) -> tuple[NetworkFacts, EmbeddingModel]:
    from skelgait.embeddings.onnx_file import open_onnx_file
    from skelgait.embeddings.onnx_model import OnnxModel

    file = open_onnx_file(path, device, precision)
    described = file.metadata
    facts = NetworkFacts(
        name=described.network,
        modalities=described.modalities,
        sizes=described.sizes,
        iteration=described.iteration,
        test_embedding=described.test_embedding,
        data=described.data,
        preset=described.preset,
        checkpoint_sha256=described.checkpoint_sha256,
    )
    return facts, OnnxModel(file)
