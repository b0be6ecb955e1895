"""Joins of tracklets: one person before and after an occlusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.body_motion import limb_lengths, pose_distances, size_ratio
from skelgait.raw.poses.track_ids import NO_ID
from skelgait.raw.poses.tracklets import Tracklet

# Longest occlusion in frames: two seconds at 30 frames per second.
MAX_OCCLUSION = 60
# Largest distance to the position at constant speed, in body heights: right after the last frame, and more per frame.
_MAX_DISTANCE = 0.3
_DISTANCE_PER_FRAME = 0.01
# Largest change of size, and largest difference of limb lengths in body heights.
_MAX_SIZE_RATIO = 1.35
_MAX_LIMB_DIFFERENCE = 0.08
# Number of detections that limb lengths are measured in.
_LIMB_WINDOW = 30
# An equal track id makes up for this distance.
_ID_WEIGHT = 0.2


class Pause(NamedTuple):
    """Time in which a stream had no frames. Frames are numbered as if it had not been.

    Attributes:
        frame: index of the first frame after it.
        n_missing: number of frames that it would have had.
    """

    frame: int
    n_missing: int


class _Join(NamedTuple):
    cost: float
    first: int
    second: int


def join_tracklets(tracklets: Sequence[Tracklet], pauses: Sequence[Pause] = ()) -> list[list[Tracklet]]:
    """Join the tracklets of one person, by position, motion, size, body proportions and track id.

    After a longer time than that of an occlusion, only an equal track id joins. After a pause, a person may be where
    the person was before it, or have walked on at constant speed.

    Args:
        tracklets: tracklets in the order of their first frame.
        pauses: times without frames.

    Returns:
        Tracklets of each person in the order of time; persons in the order of their first frame.
    """
    following: dict[int, int] = {}
    preceding: dict[int, int] = {}
    for join in sorted(_possible_joins(tracklets, pauses)):
        if join.first not in following and join.second not in preceding:
            following[join.first], preceding[join.second] = join.second, join.first
    chains = []
    for n in range(len(tracklets)):
        if n not in preceding:
            chain = [n]
            while chain[-1] in following:
                chain.append(following[chain[-1]])
            chains.append([tracklets[i] for i in chain])
    return chains


def _possible_joins(tracklets: Sequence[Tracklet], pauses: Sequence[Pause]) -> Iterator[_Join]:
    """Yield all pairs of tracklets that may be of one person, with their costs."""
    starts = [tracklet.frames[0] for tracklet in tracklets]
    limbs = [limb_lengths(np.stack(tracklet.joints[-_LIMB_WINDOW:])) for tracklet in tracklets]
    for n, tracklet in enumerate(tracklets):
        end = tracklet.frames[-1]
        first, last = np.searchsorted(starts, [end, end + MAX_OCCLUSION], "right")
        same_id = (other for other in range(last, len(tracklets)) if _have_same_id(tracklet, tracklets[other]))
        for other in (*range(first, last), *islice(same_id, 1)):
            n_missing = sum(pause.n_missing for pause in pauses if end < pause.frame <= starts[other])
            cost = _cost(tracklet, tracklets[other], _difference(limbs[n], limbs[other]), n_missing)
            if np.isfinite(cost):
                yield _Join(cost, n, other)


def _have_same_id(first: Tracklet, second: Tracklet) -> bool:
    return first.ids[-1] == second.ids[0] != NO_ID


def _cost(first: Tracklet, second: Tracklet, limb_difference: float, n_missing: int) -> float:
    """Return the cost of a join in body heights; infinite if it is impossible. In a pause, `n_missing` frames are."""
    gap = second.frames[0] - first.frames[-1]
    if limb_difference > _MAX_LIMB_DIFFERENCE:
        return np.inf
    if gap > MAX_OCCLUSION:  # only the track id tells; any join by position is better
        return _MAX_DISTANCE + _DISTANCE_PER_FRAME * gap + limb_difference
    distance = min(_distance(first, second, n) for n in {0, n_missing}) - _ID_WEIGHT * _have_same_id(first, second)
    gap = min(gap + n_missing, MAX_OCCLUSION)
    is_far = distance > _MAX_DISTANCE + _DISTANCE_PER_FRAME * gap
    if is_far or size_ratio(first.joints[-1], second.joints[0]) > _MAX_SIZE_RATIO:
        return np.inf
    return distance + limb_difference


def _distance(first: Tracklet, second: Tracklet, n_missing: int) -> float:
    """Return the mean distance of two tracklets to where each would be at constant speed, in body heights."""
    start, end = second.frames[0] + n_missing, first.frames[-1] - n_missing
    later = pose_distances(first.predict(start)[None], second.joints[0][None])[0, 0]
    earlier = pose_distances(second.predict(end)[None], first.joints[-1][None])[0, 0]
    return float((later + earlier) / 2 / max(first.heights[-1], second.heights[0], 1e-9))


def _difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Return the mean difference of the limb lengths that are known of both; 0 if there are none."""
    differences = np.abs(first - second)
    known = np.isfinite(differences)
    return float(differences[known].mean()) if known.any() else 0.0
