"""Check of joint orders by the posture of bodies: eyes above shoulders above hips above knees above ankles.

Several skeletons have the same number of joints. If joints are read in the order of another skeleton, ankles become
eyes, and the posture is impossible in almost all frames. A relation that most frames violate shows that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17, SKELETONS, Skeleton

# Fit of a skeleton: the fraction of the people for whom its worst relation holds. At least, for a possible skeleton; at
# most, for an impossible one.
_POSSIBLE = 0.6
_IMPOSSIBLE = 0.3
# Fit with which no other skeleton with the same number of joints is possible.
_CERTAIN = 0.95
# A skeleton is certain if the fit of each other one is smaller by this.
_MARGIN = 0.3
# Of few people, noise decides the worst relation. Their fit is the mean of all relations, on the scale of the worst.
_FEW_PEOPLE = 8
_MEAN_AT_0 = 0.75
_MEAN_PER_FIT = 0.17
# Fewer relations tell nothing about a posture.
_MIN_RELATIONS = 3
# People are evenly sampled from long sequences.
_MAX_SAMPLES = 100
# Vertical distances in body heights: between joints of a leg at least; between the two eyes or ears at most.
_MIN_LEG_STEP = 0.02
_MAX_HEAD_TILT = 0.09
# Length of a limb, in body heights, at most.
_MAX_LIMB = 0.45
# Change of the height from the first to the last third of a walk towards the camera or away from it.
_MIN_APPROACH = 1.15
_LIMBS = (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
_SIDES = ("left", "right")


class Relation(NamedTuple):
    """Relation of two joints or body parts.

    Attributes:
        violation: description of the opposite, for messages.
        fraction: fraction of the people, of those with both joints, for whom it holds.
    """

    violation: str
    fraction: float


class SkeletonChoice(NamedTuple):
    """Skeletons that the posture of people leaves possible.

    Attributes:
        skeletons: one skeleton if the posture decides; several if it stays open; none if all are impossible.
        is_certain: True if the posture of almost all people is possible.
    """

    skeletons: tuple[Skeleton, ...]
    is_certain: bool = False


class _Body:
    """Joints of N people, by name."""

    def __init__(self, skeleton: Skeleton, joints: NDArray[Any]) -> None:
        self.xy = joints[..., :2].astype(np.float64)
        self.is_present = is_present(joints)
        self.skeleton = skeleton
        y = np.where(self.is_present, self.xy[..., 1], np.nan)
        with np.errstate(all="ignore"):
            self.height = np.fmax.reduce(y, axis=1) - np.fmin.reduce(y, axis=1)
        self.height[~(self.height > 0)] = np.nan

    def axis(self, name: str, axis: int) -> NDArray[np.float64]:
        """Return x or y of a joint, (N,); NaN if it is missing."""
        name = self.skeleton.substitutes.get(name, name)
        if name not in self.skeleton.joints:
            return np.full(len(self.xy), np.nan)
        index = self.skeleton.index(name)
        return np.where(self.is_present[:, index], self.xy[:, index, axis], np.nan)

    def y(self, *names: str) -> NDArray[np.float64]:
        """Return the mean y of joints, (N,), without missing ones; NaN if all are missing."""
        values = [self.axis(name, 1) for name in names]
        return values[0] if len(values) == 1 else _mean(values)

    def length(self, first: str, second: str) -> NDArray[np.float64]:
        """Return the distance of two joints in body heights, (N,)."""
        steps = [self.axis(first, axis) - self.axis(second, axis) for axis in (0, 1)]
        return np.asarray(np.hypot(*steps) / self.height)


def choose_skeleton(joints: NDArray[Any], skeletons: Sequence[Skeleton]) -> SkeletonChoice:
    """Return the skeletons whose posture is possible for the joints of people.

    Args:
        joints: (N, V, 2 or 3) joints of N people, with y downwards.
        skeletons: skeletons with V joints, the most common first.
    """
    joints = _sample(joints)
    if len(joints) >= _FEW_PEOPLE and (_fit(joints, skeletons[0]) or 0) >= _CERTAIN:
        return SkeletonChoice((skeletons[0],), True)
    fits = [_fit(joints, skeleton) for skeleton in skeletons]
    known = [fit for fit in fits if fit is not None]
    if not known:
        return SkeletonChoice(_distinct(joints, skeletons))
    limit = max(_POSSIBLE, max(known) - _MARGIN)
    possible = [skeleton for skeleton, fit in zip(skeletons, fits, strict=True) if fit is not None and fit >= limit]
    if len(_distinct(joints, possible)) > 1:
        possible = _by_sides(joints, possible)
    return SkeletonChoice(_distinct(joints, possible))


def impossible_posture(joints: NDArray[Any], skeleton: Skeleton = COCO_17) -> str:
    """Return the reason why the posture of most people is impossible; empty if it is possible or cannot be judged.

    Args:
        joints: (N, V, 2 or 3) joints of N people.
        skeleton: skeleton of the joints.
    """
    joints = _sample(joints)
    fit = _fit(joints, skeleton)
    if fit is None or fit > _IMPOSSIBLE:
        return ""
    upside_down, turned = joints.copy(), joints.copy()
    upside_down[..., 1] *= -1
    if _is_possible(upside_down, skeleton):
        return "bodies are upside down: y points upwards, or the video is rotated"
    turned[..., :2] = joints[..., 1::-1]
    upside_down[..., :2] = joints[..., 1::-1] * [1, -1]
    if _is_possible(turned, skeleton) or _is_possible(upside_down, skeleton):
        return "bodies lie on their side: the video is rotated"
    worst = min(_relations(_Body(skeleton, joints)), key=lambda relation: relation.fraction)
    other = _other_order(joints, skeleton)
    order = f"; the order of joints is that of {other}" if other else ""
    return f"{worst.violation} in {100 * (1 - worst.fraction):.0f} % of the frames{order}"


def is_present(joints: NDArray[Any]) -> NDArray[np.bool_]:
    """Return True for each joint that is not missing: finite, not at (0, 0), and with a confidence, if there is any."""
    present = np.isfinite(joints[..., :2]).all(axis=-1) & (joints[..., :2] != 0).any(axis=-1)
    if joints.shape[-1] > 2 and (joints[..., 2] > 0).any():
        present &= joints[..., 2] > 0
    return np.asarray(present)


def _other_order(joints: NDArray[Any], skeleton: Skeleton) -> str:
    """Return the name of a skeleton in whose order the posture is possible; empty if there is none."""
    n_joints = joints.shape[1]
    orders = {s.name: s for s in SKELETONS if s is not skeleton and len(s.joints) == n_joints}
    for s in SKELETONS:
        if len(s.joints) == n_joints + 1:
            orders[f"{s.name} without its last joint"] = Skeleton(s.name, s.joints[:-1], substitutes=s.substitutes)
    return next((name for name, order in orders.items() if _is_possible(joints, order)), "")


def _is_possible(joints: NDArray[Any], skeleton: Skeleton) -> bool:
    fit = _fit(joints, skeleton)
    return fit is not None and fit >= _POSSIBLE


def _fit(joints: NDArray[Any], skeleton: Skeleton) -> float | None:
    """Return how well joints fit a skeleton; None if too few relations are known."""
    fractions = [relation.fraction for relation in _relations(_Body(skeleton, joints))]
    if len(fractions) < _MIN_RELATIONS:
        return None
    if len(joints) < _FEW_PEOPLE:
        return (float(np.mean(fractions)) - _MEAN_AT_0) / _MEAN_PER_FIT
    return min(fractions)


def _relations(body: _Body) -> Iterator[Relation]:
    """Yield the relations of a body that have the joints for it."""
    for violation, holds, is_known in _tests(body):
        n_known = int(is_known.sum())
        if n_known:
            yield Relation(violation, float((holds & is_known).sum()) / n_known)


def _tests(body: _Body) -> Iterator[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield the description of a violation, for whom the relation holds, and for whom it is known."""
    head = body.y("nose", "left eye", "right eye", "left ear", "right ear", "head", "head top")
    for side in _SIDES:
        shoulder, hip, knee, ankle = (body.y(f"{side} {joint}") for joint in ("shoulder", "hip", "knee", "ankle"))
        yield _above(body, "head", head, f"{side} shoulder", shoulder, 0)
        yield _above(body, f"{side} shoulder", shoulder, f"{side} hip", hip, _MIN_LEG_STEP)
        yield _above(body, f"{side} hip", hip, f"{side} knee", knee, _MIN_LEG_STEP)
        yield _above(body, f"{side} knee", knee, f"{side} ankle", ankle, _MIN_LEG_STEP)
        for first, second in _LIMBS:
            length = body.length(f"{side} {first}", f"{side} {second}")
            yield f"{side} {first} far from the {second}", length <= _MAX_LIMB, np.isfinite(length)
    for pair in ("eye", "ear"):
        tilt = np.abs(body.y(f"left {pair}") - body.y(f"right {pair}")) / body.height
        yield f"one {pair} far above the other", tilt <= _MAX_HEAD_TILT, np.isfinite(tilt)
    yield _above(body, "head top", body.y("head top"), "neck", body.y("neck"), 0.05)
    yield _above(body, "nose", body.y("nose"), "neck", body.y("neck"), 0)


def _above(
    body: _Body, upper: str, y_upper: NDArray[np.float64], lower: str, y_lower: NDArray[np.float64], margin: float
) -> tuple[str, NDArray[np.bool_], NDArray[np.bool_]]:
    step = (y_lower - y_upper) / body.height
    return f"{upper} below the {lower}", np.asarray(step > margin), np.isfinite(step)


def _by_sides(joints: NDArray[Any], skeletons: Sequence[Skeleton]) -> list[Skeleton]:
    """Return the skeletons whose left and right sides agree best with each other and with the direction of walking."""
    scores = [_side_score(_Body(skeleton, joints)) for skeleton in skeletons]
    best = max(scores)
    return [skeleton for skeleton, score in zip(skeletons, scores, strict=True) if score >= best - _MARGIN]


def _side_score(body: _Body) -> float:
    """Return the fraction of the people whose sides agree.

    Eyes, shoulders and hips have the left joint on the same side. Of a person who walks towards the camera, and
    therefore becomes taller, the left joints are at the larger x.
    """
    widths = [body.axis(f"left {pair}", 0) - body.axis(f"right {pair}", 0) for pair in ("eye", "shoulder", "hip")]
    agree = [np.sign(a) == np.sign(b) for a, b in pairwise(widths)]
    known = [np.isfinite(a * b) for a, b in pairwise(widths)]
    third = max(len(body.height) // 3, 1)
    with np.errstate(all="ignore"):
        growth = np.nanmedian(body.height[-third:]) / np.nanmedian(body.height[:third]) if third > 1 else 1.0
    if growth >= _MIN_APPROACH or growth <= 1 / _MIN_APPROACH:
        agree.append((widths[1] > 0) == (growth > 1))
        known.append(np.isfinite(widths[1]))
    n_known = sum(int(k.sum()) for k in known)
    return sum(int((a & k).sum()) for a, k in zip(agree, known, strict=True)) / n_known if n_known else 1.0


def _distinct(joints: NDArray[Any], skeletons: Sequence[Skeleton]) -> tuple[Skeleton, ...]:
    """Return the skeletons that give different joints of COCO-17; of equal ones, the most common."""
    distinct: list[Skeleton] = []
    for skeleton in skeletons:
        converted = skeleton.to_coco17(joints)
        if not any(np.array_equal(s.to_coco17(joints), converted, equal_nan=True) for s in distinct):
            distinct.append(skeleton)
    return tuple(distinct)


def _sample(joints: NDArray[Any]) -> NDArray[Any]:
    """Return at most `_MAX_SAMPLES` people that have joints, evenly spaced."""
    indices = np.flatnonzero(is_present(joints).any(axis=1))
    if len(indices) > _MAX_SAMPLES:
        indices = indices[np.linspace(0, len(indices) - 1, _MAX_SAMPLES).astype(int)]
    return np.asarray(joints[indices])


def _mean(values: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the mean of arrays without NaN; NaN where all are."""
    stacked = np.stack(values)
    count = np.isfinite(stacked).sum(axis=0)
    with np.errstate(all="ignore"):
        return np.asarray(np.nansum(stacked, axis=0) / np.where(count, count, np.nan))
