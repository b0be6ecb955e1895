"""ONNX files of small networks, and files with other metadata."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.embeddings.model import NetworkFacts
from skelgait.embeddings.onnx_file import METADATA_KEY
from skelgait.export.graph import ExportGraph
from skelgait.export.metadata import metadata_json
from skelgait.export.to_onnx import onnx_bytes
from skelgait.models import GaitNetwork
from skelgait.pipelines.open_network import network_facts


def facts_of(architecture: Architecture) -> NetworkFacts:
    return network_facts(Checkpoint(architecture, {}, 7, 2))


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


def write_onnx(path: Path, network: GaitNetwork, architecture: Architecture, checkpoint_sha256: str = "") -> Path:
    """Write a network as `skelgait export` does, without its comparison."""
    facts = facts_of(architecture).model_copy(update={"checkpoint_sha256": checkpoint_sha256})
    shapes = [(2, 5, 2, 64, 64), (2, 5, 64, 64)][: len(network.modalities)]
    examples = tuple(torch.zeros(shape, dtype=torch.uint8) for shape in shapes)
    # A copy, because the export replaces layers.
    path.write_bytes(onnx_bytes(ExportGraph(deepcopy(network)), metadata_json(facts, {}, "model.pt"), examples))
    return path
