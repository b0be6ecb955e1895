"""People followed from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# How far joints may move from one frame to the next, in body heights: a runner's move a tenth of that.
_FARTHEST = 0.5
# For how many frames somebody may be out of sight.
_LONGEST_GAP = 15


class _Sight(NamedTuple):
    """When and how somebody was last seen."""

    frame: int
    joints: NDArray[Any]


def parse_track_ids(ids: Sequence[Sequence[Any]]) -> list[list[int]] | None:
    """Tracks from what an estimator wrote down for each person of each frame.

    None where somebody has no whole number, or two people in a frame have the same: without tracking, some estimators
    write 0 for everybody.
    """
    for present in ids:
        if not all(isinstance(n, int) or (isinstance(n, float) and n.is_integer()) for n in present):
            return None
        if len(set(present)) < len(present):
            return None
    return [[int(n) for n in present] for present in ids]


def track_people(people: Sequence[NDArray[Any]]) -> list[list[int]]:
    """A number for each person of each frame, the same one as long as somebody can be followed.

    Of all people in a frame and all who were seen before, those who are nearest to each other are taken for the same,
    pair after pair.

    Args:
        people: for each frame (M, V, 3): x px, y px, confidence; a joint at 0, 0 or that is no number was not found.
    """
    seen: dict[int, _Sight] = {}
    n_tracks, tracks = 0, []
    for t, present in enumerate(people):
        numbers = _continued(present, {n: sight for n, sight in seen.items() if t - sight.frame <= _LONGEST_GAP}, t)
        for person, joints in enumerate(present):
            if person not in numbers:
                numbers[person], n_tracks = n_tracks, n_tracks + 1
            seen[numbers[person]] = _Sight(t, joints)
        tracks.append([numbers[person] for person in range(len(present))])
    return tracks


def _continued(present: NDArray[Any], seen: dict[int, _Sight], t: int) -> dict[int, int]:
    """The tracks that go on with people of frame `t`: from the person to the number of the track."""
    distances = sorted(
        (distance(joints, sight.joints) / (t - sight.frame), number, person)
        for number, sight in seen.items()
        for person, joints in enumerate(present)
    )
    numbers: dict[int, int] = {}
    for moved, number, person in distances:
        if moved <= _FARTHEST and person not in numbers and number not in numbers.values():
            numbers[person] = number
    return numbers


def distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """How far joints (V, 3) are from each other on average, in body heights; infinite where no joint is in both."""
    both = _is_found(a) & _is_found(b)
    height = max(height_px(a), height_px(b))
    if not both.any() or height == 0:
        return np.inf
    return float(np.linalg.norm(a[both, :2] - b[both, :2], axis=1).mean()) / height


def height_px(joints: NDArray[Any]) -> float:
    """Height of the joints (V, 3) that were found; 0 where none was."""
    y = joints[_is_found(joints), 1]
    return float(np.ptp(y)) if len(y) else 0.0


def _is_found(joints: NDArray[Any]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.isfinite(joints).all(axis=1) & (joints[:, :2] != 0).any(axis=1)
    return found
