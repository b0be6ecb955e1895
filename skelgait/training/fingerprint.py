"""What a network is trained on, in few words: a training that goes on, or a test, can tell other data from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from skelgait.sampling.frames import first_frames
from skelgait.storage import Key, SequenceSource
from skelgait.storage.metadata import read_metadata

# Where the data lie may change.
_NOT_COMPARED = {"path"}


def fingerprint(source: SequenceSource, keys: Sequence[Key]) -> dict[str, Any]:
    """The fingerprint of the sequences `keys` of `source`.

    Returns:
        `path` of the source; number and hash of `identities` and `sequences`; `shapes` of a frame of each modality; and
        what is known of how the maps were `drawn` (`sigma_px` and the other settings of `skelgait heatmap`, and the
        number of `joints` of the poses), None for maps that say nothing of it.

    Raises:
        DataError: the first sequence cannot be read, or the metadata beside the maps is damaged.
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
    """What is known of how the maps in `source` were drawn; None where nothing is.

    Raises:
        DataError: the metadata beside the maps is damaged.
    """
    metadata = read_metadata(source.metadata_folder)
    if metadata is None:
        return None
    drawn = {name: value for name, value in metadata.settings.items() if name not in ("storage", "compression")}
    return {**drawn, **metadata.facts}


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """In what two fingerprints differ: (what, before, now); what only one of them knows is no difference."""
    flat_before, flat_now = _flat(before), _flat(now)
    return [
        (name, value, flat_now[name])
        for name, value in flat_before.items()
        if name in flat_now and flat_now[name] != value
    ]


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        elif value is not None and name not in _NOT_COMPARED:
            flat[prefix + name] = value
    return flat


def _hash(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
