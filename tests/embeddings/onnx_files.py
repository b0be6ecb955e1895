"""ONNX files as `skelgait export` writes them, for tests: the graph from torch, the metadata appended as protobuf."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from skelgait.checkpoints.architecture import Architecture
from skelgait.embeddings.onnx_file import METADATA_KEY
from skelgait.models import GaitNetwork


class _Graph(nn.Module):
    """Network that takes gray levels (N, T, C, 64, 64 or 44)."""

    def __init__(self, network: GaitNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, maps: Tensor, *silhouettes: Tensor) -> tuple[Tensor, Tensor]:
        frames = torch.cat([maps, *(silhouette[:, :, None] for silhouette in silhouettes)], 2).float() / 255
        output = self.network.eval()(frames[0], [frames.shape[1]])
        return output.embedding, output.neck_embedding


def metadata_of(architecture: Architecture, **more: Any) -> dict[str, Any]:
    sizes = {name: list(size) if isinstance(size, tuple) else size for name, size in asdict(architecture).items()}
    return {"format": 1, "network": sizes.pop("name"), "sizes": sizes, "iteration": 7, "test_embedding": 2, **more}


def with_metadata(graph: bytes, metadata: dict[str, Any] | str) -> bytes:
    """Return a file with an entry of metadata (field 14 of a ModelProto, with key in field 1 and value in field 2)."""
    text = metadata if isinstance(metadata, str) else json.dumps(metadata)
    entry = b"".join(field(number, value.encode()) for number, value in ((1, METADATA_KEY), (2, text)))
    return graph + field(14, entry)


def field(number: int, content: bytes) -> bytes:
    """Return a field of bytes of a protobuf message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    digits = []
    while True:
        number, digit = number >> 7, number & 127
        digits.append(digit | (128 if number else 0))
        if not number:
            return bytes(digits)


def write_onnx(path: Path, network: GaitNetwork, architecture: Architecture, **more: Any) -> Path:
    """Write a network for sequences of 9 frames (torch hashes the number of frames into the graph)."""
    shapes = [(1, 9, 2, 64, 44), (1, 9, 64, 44)][: len(network.modalities)]
    names = ["maps", "silhouettes"][: len(shapes)]
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(network), tuple(torch.zeros(shape, dtype=torch.uint8) for shape in shapes), buffer,
            input_names=names, output_names=["embedding_1", "embedding_2"], dynamo=False,
        )  # fmt: skip
    metadata = metadata_of(architecture, modalities=list(network.modalities), **more)
    path.write_bytes(with_metadata(buffer.getvalue(), metadata))
    return path
