"""Track ids that a pose estimator wrote for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

NO_ID = -1
"""Track id of a person without one."""


def parse_track_ids(ids: Sequence[Sequence[Any]]) -> list[list[int]] | None:
    """Return the track id of each person of each frame; None if there are people, but no ids.

    Without tracking, some estimators write 0 for all people. An id of two people in one frame is therefore no id, nor
    is a negative one, or one that is not an integer.

    Args:
        ids: for each frame the ids of its people as the file has them.
    """
    numbers = [[_to_int(track_id) for track_id in frame] for frame in ids]
    repeated = {n for frame in numbers for n, count in Counter(frame).items() if count > 1}
    valid = [[NO_ID if n in repeated else n for n in frame] for frame in numbers]
    return None if {n for frame in valid for n in frame} == {NO_ID} else valid


def _to_int(track_id: Any) -> int:
    is_integer = isinstance(track_id, int) or (isinstance(track_id, float) and track_id.is_integer())
    return max(int(track_id), NO_ID) if is_integer else NO_ID
