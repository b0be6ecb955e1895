"""Facts and problems of poses: skeletons, missing joints, confidences, joint order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.maps import as_keypoints
from skelgait.raw.poses.coordinates import to_pixels
from skelgait.raw.poses.posture import choose_skeleton, impossible_posture
from skelgait.raw.poses.third_values import check_depth
from skelgait.skeletons import COCO_17, Skeleton, find_skeleton, skeletons_with
from skelgait.storage import Key


class PoseFacts(NamedTuple):
    """Result of the inspection of poses.

    Attributes:
        facts: skeletons and missing joints.
        problems: problems that spoil maps or make commands fail.
        is_drawable: True if maps can be drawn of at least one sequence.
    """

    facts: dict[str, object]
    problems: list[str]
    is_drawable: bool


def pose_facts(sequences: Mapping[Key, NDArray[Any]]) -> PoseFacts:
    """Return facts and problems of poses (T, V, 3), or rows (T, 51) or (T, 53)."""
    joints, problems, keypoints = Counter[str](), [], {}
    for key, array in sequences.items():
        try:
            keypoints[key] = as_keypoints(_to_coco17(array), str(key))
            joints[_skeleton_name(array)] += 1
        except DataError as error:
            problems.append(str(error))
    facts: dict[str, object] = {"joints": ", ".join(name for name, _ in joints.most_common())}
    if not keypoints:
        return PoseFacts(facts, problems, False)
    if len(joints) > 1:
        problems.append(f"sequences with different skeletons ({facts['joints']}): an HDF5 store can have only one")
    missing = np.mean([(array[..., :2] == 0).any(axis=2).mean() for array in keypoints.values() if len(array)])
    facts["missing joints"] = f"{100 * missing:.1f} %"
    impossible = {key: reason for key, array in keypoints.items() if (reason := _impossible(key, array))}
    problems += [*_missing(keypoints), *_confidences(keypoints), *_summary(impossible)]
    return PoseFacts(facts, problems, len(impossible) < len(keypoints))


def _impossible(key: Key, array: NDArray[Any]) -> str:
    """Return the reason why `skelgait heatmap` refuses a sequence; empty if it does not."""
    try:
        check_depth(array, str(key))
        to_pixels(array, None, None, str(key))
    except DataError as error:
        return f"found {error.found}"
    return impossible_posture(array)


def _summary(reasons: Mapping[Key, str]) -> list[str]:
    if not reasons:
        return []
    key, reason = next(iter(reasons.items()))
    return [f"{len(reasons)} sequences with an impossible posture, such as {key}: {reason}"]


def _skeleton_name(array: NDArray[Any]) -> str:
    if array.ndim == 2:
        return f"rows of {array.shape[1]} values, {COCO_17.name}"
    return f"{array.shape[1]}, {_skeleton(array).name}"


def _skeleton(array: NDArray[Any]) -> Skeleton:
    possible = choose_skeleton(array, skeletons_with(array.shape[1])).skeletons
    return possible[0] if possible else find_skeleton(array.shape[1])


def _to_coco17(array: NDArray[Any]) -> NDArray[Any]:
    is_joints = array.ndim == 3 and array.shape[2] == 3 and skeletons_with(array.shape[1])
    return _skeleton(array).to_coco17(array) if is_joints else array


def _missing(keypoints: Mapping[Key, NDArray[Any]]) -> list[str]:
    """Find joints that are missing in every frame, frames without height, and empty sequences."""
    problems = []
    unseen = {key: (array[..., :2] == 0).all(axis=0).any(axis=1) for key, array in keypoints.items() if len(array)}
    affected = [key for key, is_unseen in unseen.items() if is_unseen.any()]
    if affected:
        names = [name for name, is_unseen in zip(COCO_17.joints, unseen[affected[0]], strict=True) if is_unseen]
        problems.append(
            f"{len(affected)} sequences with a joint that is missing in every frame, such as {affected[0]} "
            f"({', '.join(names[:4])}): their bodies are drawn too small; pass --fill visible to `skelgait heatmap`"
        )
    flat = sum(int((np.ptp(array[..., 1], axis=1) == 0).sum()) for array in keypoints.values())
    if flat:
        problems.append(f"{flat} frames with all joints at the same height: their maps will be empty")
    empty = [str(key) for key, array in keypoints.items() if not len(array)]
    if empty:
        problems.append(f"{len(empty)} sequences without frames, such as {empty[0]}: remove them")
    return problems


def _confidences(keypoints: Mapping[Key, NDArray[Any]]) -> list[str]:
    outside = [str(k) for k, array in keypoints.items() if ((array[..., 2] < 0) | (array[..., 2] > 1)).any()]
    if not outside:
        return []
    return [
        f"{len(outside)} sequences with confidences outside 0 to 1, such as {outside[0]}: "
        "values above 1 are drawn as 1; "
        "divide them by their maximum, or pass --set heatmap.use_score=false to `skelgait heatmap`"
    ]
