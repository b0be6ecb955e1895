"""Facts about a trained network that an exported file carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from skelgait import __version__
from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.embeddings.onnx_file import FORMAT
from skelgait.models.registry import network_class

LICENSE_NOTE = (
    "The weights fall under the terms of whoever trained them, and of the data they were trained on. "
    "Many gait datasets, and the checkpoints that come with OpenGait, are for academic purposes only."
)

# Paths and names of the machine that the network was trained on.
_PRIVATE_SETTINGS = ("init", "run_name")
_PRIVATE_DATA = ("path",)


def metadata_json(checkpoint: Checkpoint, file_name: str, sha256: str, preset: str) -> str:
    """Return the facts about a checkpoint as one JSON object.

    Args:
        checkpoint: trained network.
        file_name: name of its file, without the folder.
        sha256: SHA-256 of its file, as hexadecimal digits.
        preset: published preset that it was trained with; empty: none.

    Returns:
        `format`; `network`; `modalities`; `sizes`: channels, blocks, classes, embedding_width and strips; `iteration`;
        `test_embedding`: 1, 2 or null; `preset`; `data`: fingerprint of the training data, and how its maps were drawn;
        `settings` of the training; `checkpoint`: name of the file; `checkpoint_sha256`; `license_note`;
        `skelgait_version`.
    """
    sizes = asdict(checkpoint.architecture)
    name = sizes.pop("name")
    content = {
        "format": FORMAT,
        "network": name,
        "modalities": network_class(name).modalities,
        "sizes": sizes,
        "iteration": checkpoint.iteration,
        "test_embedding": checkpoint.test_embedding,
        "preset": preset,
        "data": _without(checkpoint.data, _PRIVATE_DATA),
        "settings": _without(checkpoint.settings, _PRIVATE_SETTINGS),
        "checkpoint": file_name,
        "checkpoint_sha256": sha256,
        "license_note": LICENSE_NOTE,
        "skelgait_version": __version__,
    }
    return json.dumps(content, default=str)


def _without(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}
