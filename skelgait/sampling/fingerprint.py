"""Fingerprint of the training data, to detect other data on resume or in an evaluation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.sampling.frames import first_frames
from skelgait.storage import Key, SequenceSource
from skelgait.storage.metadata import read_metadata

# The data may be moved.
_NOT_COMPARED = {"path"}


def fingerprint(source: SequenceSource, keys: Sequence[Key]) -> dict[str, Any]:
    """Return the fingerprint of sequences.

    Args:
        source: sequences on disk.
        keys: training sequences.

    Returns:
        `path` of the source; number and hash of `identities` and `sequences`; `shapes` of a frame of each modality; and
        `drawn`, see `how_drawn`.

    Raises:
        DataError: if the first sequence cannot be read, or if the metadata of the maps is damaged.
    """
    arrays = source.read(keys[0], first_frames(1))
    identities = sorted({key.identity for key in keys})
    return {
        "path": str(source.path.resolve()),
        "identities": len(identities),
        "identities_hash": _hash(identities),
        "sequences": len(keys),
        "sequences_hash": _hash(map(str, keys)),
        "shapes": {name: list(array.shape[1:]) for name, array in zip(source.modalities, arrays, strict=True)},
        "drawn": how_drawn(source),
    }


def how_drawn(source: SequenceSource) -> dict[str, Any] | None:
    """Return how the maps of a source were drawn: the settings of `skelgait heatmap` and the number of pose joints.

    Returns:
        Settings and facts by name; None for maps without metadata.

    Raises:
        DataError: if the metadata of the maps is damaged.
    """
    metadata = read_metadata(source.metadata_folder)
    if metadata is None:
        return None
    drawn = {name: value for name, value in metadata.settings.items() if name not in ("storage", "compression")}
    return {**drawn, **metadata.facts}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the differences of two fingerprints as (name, before, now), without names that only one of them has."""
    flat_before, flat_now = _compared_values(before), _compared_values(now)
    return [
        (name, value, flat_now[name])
        for name, value in flat_before.items()
        if name in flat_now and flat_now[name] != value
    ]


def arrays_sha256(arrays: Iterable[NDArray[Any]]) -> str:
    """Return the SHA-256 of the types, shapes and values of arrays, as hexadecimal digits."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _compared_values(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values to compare by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            flat.update(_compared_values(value, f"{prefix}{name}."))
        elif value is not None and name not in _NOT_COMPARED:
            flat[prefix + name] = value
    return flat


def _hash(names: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]
