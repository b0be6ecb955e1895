"""Reader of checkpoints as safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from safetensors import safe_open

METADATA_KEY = "skelgait"
"""Key of skelgait's entry in the metadata."""

_LENGTH_BYTES = 8


def is_safetensors(path: Path) -> bool:
    """Return True if a file begins as safetensors do: the length of a JSON object, then the object."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(_LENGTH_BYTES + 1)[_LENGTH_BYTES:] == b"{"


def read_safetensors(path: Path) -> dict[str, Any]:
    """Return the entries of a checkpoint file: `model`, and of a file of skelgait also `iteration` and `skelgait`.

    Args:
        path: file to read.

    Raises:
        Exception: if the file is damaged.
    """
    with safe_open(path, framework="pt", device="cpu") as file:
        # The tensors of the file change with the file, so they are copied.
        weights = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a dict
        text = (file.metadata() or {}).get(METADATA_KEY)
    if text is None:
        return {"model": weights}
    facts = json.loads(text)
    names = {"test_embedding", "settings", "data", "checkpoint_sha256"}
    entries = {name: value for name, value in facts.items() if name in names}
    entries |= {"version": facts.get("skelgait_version"), "training": {}}
    return {"model": weights, "iteration": facts.get("iteration", 0), "skelgait": entries}
