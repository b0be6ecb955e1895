"""Tracking of people from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Maximum mean motion of the joints from one frame to the next, in body heights; a runner's is a tenth of that.
_MAX_MOTION = 0.5
# Maximum number of frames in which a person may be missing.
_MAX_GAP = 15


class _Detection(NamedTuple):
    """Last detection of a person: frame index and joints (V, 3)."""

    frame: int
    joints: NDArray[Any]


def parse_track_ids(ids: Sequence[Sequence[Any]]) -> list[list[int]] | None:
    """Return the track ids that a pose estimator wrote for each person of each frame.

    Without tracking, some estimators write 0 for all people. Ids are therefore ignored, and the result is None, if one
    is not an integer, or two people in a frame have the same.
    """
    for frame in ids:
        if not all(isinstance(n, int) or (isinstance(n, float) and n.is_integer()) for n in frame):
            return None
        if len(set(frame)) < len(frame):
            return None
    return [[int(n) for n in frame] for frame in ids]


def track_people(people: Sequence[NDArray[Any]]) -> list[list[int]]:
    """Assign a track id to each person of each frame by greedy nearest-neighbor matching.

    Args:
        people: for each frame (M, V, 3): x px, y px, confidence; a joint is missing if it is (0, 0) or not finite.

    Returns:
        For each frame the track id of each person, counted from 0.
    """
    last: dict[int, _Detection] = {}
    n_tracks, tracks = 0, []
    for t, frame in enumerate(people):
        ids = _match(frame, {n: detection for n, detection in last.items() if t - detection.frame <= _MAX_GAP}, t)
        for person, joints in enumerate(frame):
            if person not in ids:
                ids[person], n_tracks = n_tracks, n_tracks + 1
            last[ids[person]] = _Detection(t, joints)
        tracks.append([ids[person] for person in range(len(frame))])
    return tracks


def _match(frame: NDArray[Any], last: dict[int, _Detection], t: int) -> dict[int, int]:
    """Match people of frame `t` to tracks, nearest pairs first; return the track id by person index."""
    motions = sorted(
        (pose_distance(joints, detection.joints) / (t - detection.frame), track, person)
        for track, detection in last.items()
        for person, joints in enumerate(frame)
    )
    ids: dict[int, int] = {}
    for motion, track, person in motions:
        if motion <= _MAX_MOTION and person not in ids and track not in ids.values():
            ids[person] = track
    return ids


def pose_distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Return the mean distance of joints (V, 3) in body heights; infinite if no joint is present in both."""
    both = _is_present(a) & _is_present(b)
    height = max(height_px(a), height_px(b))
    if not both.any() or height == 0:
        return np.inf
    return float(np.linalg.norm(a[both, :2] - b[both, :2], axis=1).mean()) / height


def height_px(joints: NDArray[Any]) -> float:
    """Return the height of the joints (V, 3) in pixels, without missing joints; 0 if all are missing."""
    y = joints[_is_present(joints), 1]
    return float(np.ptp(y)) if len(y) else 0.0


def _is_present(joints: NDArray[Any]) -> NDArray[np.bool_]:
    is_present: NDArray[np.bool_] = np.isfinite(joints).all(axis=1) & (joints[:, :2] != 0).any(axis=1)
    return is_present
