"""Tracking of people from frame to frame, by motion, size and the track ids of the estimator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.body_motion import height_px, pose_distances, size_ratio
from skelgait.raw.poses.track_ids import NO_ID
from skelgait.raw.poses.tracklets import Tracklet


class _Limits(NamedTuple):
    """Largest change of a person: mean motion of the joints beyond constant speed, in body heights; size ratio."""

    motion: float
    size_ratio: float


# From frame to frame; after missing frames, when somebody else may have come.
_SEEN = _Limits(0.3, 1.5)
_LOST = _Limits(0.2, 1.25)
# While the speed is unknown, if the track id is equal, or if nobody else is there; if the speed of an only person is
# unknown.
_TOLERANT = _Limits(0.5, 1.5)
_ALONE = _Limits(1.0, 1.5)
# Maximum number of frames in which a person may be missing.
_MAX_GAP = 30
# Motion, in body heights, that an equal track id makes up for, and that a different one costs.
_ID_WEIGHT = 0.06


def track_people(people: Sequence[NDArray[Any]], ids: Sequence[Sequence[int]] | None) -> list[Tracklet]:
    """Link the people of neighboring frames to tracklets.

    Each pair of a tracklet and a person costs the motion of the joints beyond that at constant speed, in body heights.
    An equal track id makes a pair cheaper, another one makes it more expensive. Pairs of impossible motion or size are
    excluded, whatever their ids. The cheapest pairs come first.

    Args:
        people: for each frame (M, V, 3): x px, y px, confidence.
        ids: for each frame the M track ids in the file, `NO_ID` for a person without one; None: no ids.

    Returns:
        Tracklets in the order of their first frame.
    """
    tracker = PeopleTracker()
    tracklets: list[Tracklet] = []
    for t, frame in enumerate(people):
        tracklets += tracker.add(t, frame, ids[t] if ids is not None else None)
    return tracklets


class PeopleTracker:
    """Tracker of a video whose frames arrive in the order of time, see `track_people`."""

    def __init__(self) -> None:
        self._active: list[Tracklet] = []

    def add(self, t: int, people: NDArray[Any], ids: Sequence[int] | None = None) -> list[Tracklet]:
        """Continue the tracklets with the people of frame `t`.

        Args:
            t: index of the frame, larger than those before.
            people: (M, V, 3) joints.
            ids: M track ids; None: no ids.

        Returns:
            Tracklets that begin in this frame.
        """
        ids = [NO_ID] * len(people) if ids is None else ids
        self._active = [tracklet for tracklet in self._active if t - tracklet.frames[-1] <= _MAX_GAP]
        matches = _match(self._active, people, ids, t)
        started = []
        for person, joints in enumerate(people):
            if person not in matches:
                matches[person] = Tracklet()
                started.append(matches[person])
            matches[person].append(t, person, joints, ids[person])
        self._active += started
        return started

    def end(self, tracklets: Collection[Tracklet]) -> None:
        """End tracklets: nobody continues them."""
        ended = set(map(id, tracklets))
        self._active = [tracklet for tracklet in self._active if id(tracklet) not in ended]


def _match(active: Sequence[Tracklet], frame: NDArray[Any], ids: Sequence[int], t: int) -> dict[int, Tracklet]:
    """Return the tracklet that continues with each person of frame `t`, by person index; cheapest pairs first."""
    if not active or not len(frame):
        return {}
    costs = _costs(active, frame, ids, t)
    matches: dict[int, Tracklet] = {}
    used: set[int] = set()
    for flat in np.argsort(costs, axis=None, kind="stable"):
        n, person = divmod(int(flat), len(frame))
        if not np.isfinite(costs[n, person]):
            break
        if n not in used and person not in matches:
            matches[person] = active[n]
            used.add(n)
    return matches


def _costs(active: Sequence[Tracklet], frame: NDArray[Any], ids: Sequence[int], t: int) -> NDArray[np.float64]:
    """Return the cost of each pair (A, M) of a tracklet and a person; infinite for impossible ones."""
    predicted = np.stack([tracklet.predict(t) for tracklet in active])
    heights = np.maximum.outer([tracklet.height for tracklet in active], [height_px(joints) for joints in frame])
    costs = pose_distances(predicted, frame) / np.maximum(heights, 1e-9)
    is_alone = len(frame) == 1 and sum(tracklet.frames[-1] == t - 1 for tracklet in active) == 1
    costs[costs > _ALONE.motion] = np.inf
    for n, person in np.argwhere(np.isfinite(costs)):
        has_same_id = active[n].ids[-1] == ids[person] != NO_ID
        limits = _limits(active[n], t, is_tolerant=has_same_id or is_alone)
        if costs[n, person] > limits.motion or size_ratio(active[n].joints[-1], frame[person]) > limits.size_ratio:
            costs[n, person] = np.inf
        elif NO_ID not in (ids[person], active[n].ids[-1]):
            costs[n, person] += -_ID_WEIGHT if has_same_id else _ID_WEIGHT
    return costs


def _limits(tracklet: Tracklet, t: int, *, is_tolerant: bool) -> _Limits:
    """Return the largest change of a person from the last detection of a tracklet to frame `t`."""
    is_lost = tracklet.frames[-1] < t - 1
    if len(tracklet.frames) == 1:
        return _ALONE if is_tolerant and not is_lost else _TOLERANT
    return _TOLERANT if is_tolerant else _LOST if is_lost else _SEEN
