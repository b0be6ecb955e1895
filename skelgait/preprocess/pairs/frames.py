"""Pairing of the frames of one sequence's maps and silhouettes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from skelgait.storage.frame_names import frame_number
from skelgait.storage.pairs import FramePairs

OnMismatch = Literal["error", "skip", "trim", "match-by-frame"]
"""Treatment of sequences with different numbers of maps and silhouettes."""

FrameNames = Sequence[str] | None
"""Names of the frames of a sequence, in order; None: unknown."""


class UnmatchedError(Exception):
    """Frames of a sequence cannot be paired; the message gives the reason and a hint."""


def pair_frames(
    on_mismatch: OnMismatch,
    n_maps: int,
    n_silhouettes: int,
    map_names: FrameNames = None,
    silhouette_names: FrameNames = None,
    frame_offset: int = 0,
) -> FramePairs | None:
    """Pair the frames of a sequence.

    Args:
        on_mismatch: treatment of different numbers of frames. `match-by-frame` compares the names of the frames even if
            the numbers are equal, because each side may have lost other frames.
        n_maps: number of maps.
        n_silhouettes: number of silhouettes.
        map_names: names of the map frames, for `match-by-frame`.
        silhouette_names: names of the silhouette frames, for `match-by-frame`.
        frame_offset: number added to the frame numbers of the maps, for `match-by-frame`.

    Returns:
        The paired frames; None: all frames in order.

    Raises:
        UnmatchedError: if the frames cannot be paired.
    """
    if on_mismatch == "match-by-frame" and map_names is not None and silhouette_names is not None:
        return _match(map_names, silhouette_names, frame_offset)
    if n_maps == n_silhouettes:
        return None
    difference = f"{n_maps} maps but {n_silhouettes} silhouettes"
    if on_mismatch == "match-by-frame":
        unnamed = " and ".join(
            side for side, names in (("maps", map_names), ("silhouettes", silhouette_names)) if names is None
        )
        hint = "make them with `skelgait poses` or `skelgait silhouettes`, which store the names, or use trim"
        raise UnmatchedError(f"{difference}, and the {unnamed} have no frame names; {hint}")
    if on_mismatch == "trim":
        return _trim(n_maps, n_silhouettes)
    raise UnmatchedError(f"{difference}; use --on-mismatch match-by-frame or trim to pair some of them")


def _trim(n_maps: int, n_silhouettes: int) -> FramePairs:
    indices = np.arange(min(n_maps, n_silhouettes))
    if not len(indices):
        hint = "write the sequence again, or remove it"
        raise UnmatchedError(f"{n_maps} maps and {n_silhouettes} silhouettes, so no frame to pair; {hint}")
    return FramePairs(indices, indices, n_maps, n_silhouettes)


def _match(map_names: Sequence[str], silhouette_names: Sequence[str], frame_offset: int) -> FramePairs | None:
    """Pair the frames that both sides have, ordered by frame number; None if these are all frames in order."""
    if frame_offset == 0 and list(map_names) == list(silhouette_names):
        return None
    maps = {number + frame_offset: index for number, index in frame_indices(map_names, "maps").items()}
    silhouettes = frame_indices(silhouette_names, "silhouettes")
    if list(maps) == list(silhouettes):
        return None
    common = sorted(maps.keys() & silhouettes.keys())
    if not common:
        shift = f" after adding {frame_offset}" if frame_offset else ""
        ranges = f"maps {_range(maps)}{shift}, silhouettes {_range(silhouettes)}"
        raise UnmatchedError(f"no common frame ({ranges}); check that both are of the same walk")
    return FramePairs(
        np.array([maps[number] for number in common]),
        np.array([silhouettes[number] for number in common]),
        len(map_names),
        len(silhouette_names),
    )


def frame_indices(names: Sequence[str], side: str) -> dict[int, int]:
    """Return the index of each frame by its frame number, in the order of the frames.

    Args:
        names: names of the frames of a sequence.
        side: maps or silhouettes, for messages.

    Raises:
        UnmatchedError: if a name has no number, or two names have the same.
    """
    indices: dict[int, int] = {}
    for index, name in enumerate(names):
        number = frame_number(name)
        if number is None:
            raise UnmatchedError(f"no number in {name!r}, a frame of the {side}; name frames by numbers, or use trim")
        if number in indices:
            duplicates = f"{names[indices[number]]!r} and {name!r}"
            raise UnmatchedError(f"frame {number} twice in the {side} ({duplicates}); remove one of them, or use trim")
        indices[number] = index
    return indices


def _range(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return f"{ordered[0]} to {ordered[-1]}" if ordered else "none"
