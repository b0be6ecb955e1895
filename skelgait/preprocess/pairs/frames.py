"""Which frames of a sequence's maps and silhouettes belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np

from skelgait.storage.frame_names import frame_number
from skelgait.storage.pairs import Cut

OnMismatch = Literal["error", "skip", "trim", "match-by-frame"]
"""What becomes of sequences whose numbers of frames differ."""

FrameNames = Sequence[str] | None
"""Names of the frames of a sequence, in order; None where they are not known."""

_NO_MATCH = "use --on-mismatch trim, or leave it out"


class UnmatchedError(Exception):
    """The frames of a sequence do not belong together: why, and a hint."""


def frames_that_pair(
    on_mismatch: OnMismatch,
    n_maps: int,
    n_silhouettes: int,
    map_names: FrameNames = None,
    silhouette_names: FrameNames = None,
) -> Cut | None:
    """The frames of a sequence that are paired; None where all are, as they lie.

    Args:
        on_mismatch: what to do where the numbers of frames differ. `match-by-frame` looks at the names of the frames
            where they do not differ, too, as other frames may have been lost on either side.
        n_maps: number of maps.
        n_silhouettes: number of silhouettes.
        map_names: the names of the maps' frames, for `match-by-frame`.
        silhouette_names: the names of the silhouettes' frames likewise.

    Raises:
        UnmatchedError: the sequence is to be left out.
    """
    if on_mismatch == "match-by-frame" and map_names is not None and silhouette_names is not None:
        return _match(map_names, silhouette_names)
    if n_maps == n_silhouettes:
        return None
    unequal = f"{n_maps} maps but {n_silhouettes} silhouettes"
    if on_mismatch == "match-by-frame":
        nameless = " and ".join(
            side for side, names in (("maps", map_names), ("silhouettes", silhouette_names)) if names is None
        )
        hint = "make them with `skelgait poses` or `skelgait silhouettes`, which keep the names, or use trim"
        raise UnmatchedError(f"{unequal}, and no names of the frames of the {nameless}; {hint}")
    if on_mismatch == "trim":
        return _trim(n_maps, n_silhouettes)
    raise UnmatchedError(f"{unequal}; use --on-mismatch match-by-frame or trim to pair some of them")


def _trim(n_maps: int, n_silhouettes: int) -> Cut:
    shorter = np.arange(min(n_maps, n_silhouettes))
    if not len(shorter):
        hint = "write the sequence again, or remove it"
        raise UnmatchedError(f"{n_maps} maps and {n_silhouettes} silhouettes: nothing is left to pair; {hint}")
    return Cut(shorter, shorter, n_maps, n_silhouettes)


def _match(map_names: Sequence[str], silhouette_names: Sequence[str]) -> Cut | None:
    """The frames that both have, in the order of their numbers; None where they are all of them, as they lie."""
    if list(map_names) == list(silhouette_names):
        return None
    maps, silhouettes = _places(map_names, "maps"), _places(silhouette_names, "silhouettes")
    if list(maps) == list(silhouettes):
        return None
    both = sorted(maps.keys() & silhouettes.keys())
    if not both:
        spans = f"maps {_span(maps)}, silhouettes {_span(silhouettes)}"
        raise UnmatchedError(f"no frame that both have ({spans}); see whether both are of the same walk")
    return Cut(
        np.array([maps[number] for number in both]),
        np.array([silhouettes[number] for number in both]),
        len(map_names),
        len(silhouette_names),
    )


def _places(names: Sequence[str], side: str) -> dict[int, int]:
    """Where each frame is, by its number, in the order of the frames."""
    places: dict[int, int] = {}
    for place, name in enumerate(names):
        number = frame_number(name)
        if number is None:
            raise UnmatchedError(f"no number in {name!r}, a frame of the {side}; name frames by numbers, or use trim")
        if number in places:
            same = f"{names[places[number]]!r} and {name!r}"
            raise UnmatchedError(f"frame {number} twice among the {side} ({same}); leave one of them, or use trim")
        places[number] = place
    return places


def _span(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return f"{ordered[0]} to {ordered[-1]}" if ordered else "none"
