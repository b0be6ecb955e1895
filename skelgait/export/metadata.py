"""Facts about a trained network that an exported file carries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from skelgait import __version__
from skelgait.embeddings.model import NetworkFacts
from skelgait.embeddings.onnx_file import FORMAT

LICENSE_NOTE = (
    "The weights fall under the terms of whoever trained them, and of the data they were trained on. "
    "Many gait datasets, and the checkpoints that come with OpenGait, are for academic purposes only."
)

# Paths and names of the machine that the network was trained on.
_PRIVATE_SETTINGS = ("init", "run_name")
_PRIVATE_DATA = ("path",)


def metadata_json(facts: NetworkFacts, settings: Mapping[str, Any], file_name: str) -> str:
    """Return the facts about an exported checkpoint as one JSON object.

    Args:
        facts: facts about the network, with the SHA-256 of the checkpoint.
        settings: settings of its training.
        file_name: name of the checkpoint, without the folder.

    Returns:
        `format`; `network`; `modalities`; `sizes`: channels, blocks, classes, embedding_width and strips; `iteration`;
        `test_embedding`: 1, 2 or null; `data`: fingerprint of the training data, and how its maps were drawn;
        `preset`; `checkpoint_sha256`; `settings` of the training; `checkpoint`: name of the file; `license_note`;
        `skelgait_version`.
    """
    content = {
        "format": FORMAT,
        **facts.model_dump(),
        "data": _without(facts.data, _PRIVATE_DATA),
        "settings": _without(settings, _PRIVATE_SETTINGS),
        "checkpoint": file_name,
        "license_note": LICENSE_NOTE,
        "skelgait_version": __version__,
    }
    return json.dumps(content, default=str)


def _without(content: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}
