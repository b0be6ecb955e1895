"""Facts and problems of poses: skeletons, missing joints, confidences, joint order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.maps import as_keypoints
from skelgait.skeletons import COCO_17, COCO_18, find_skeleton
from skelgait.storage import Key

# Indices of the ankles in the Human3.6M order of 17 joints.
_HUMAN36M_ANKLES = {3, 6}


def pose_facts(sequences: Mapping[Key, NDArray[Any]]) -> tuple[dict[str, object], list[str]]:
    """Return facts and problems of poses (T, V, 3), or rows (T, 51) or (T, 53)."""
    joints, problems, keypoints = Counter[str](), [], {}
    for key, array in sequences.items():
        try:
            keypoints[key] = as_keypoints(array, str(key))
            joints[_skeleton_name(array)] += 1
        except DataError as error:
            problems.append(str(error))
    facts: dict[str, object] = {"joints": ", ".join(name for name, _ in joints.most_common())}
    if not keypoints:
        return facts, problems
    if len(joints) > 1:
        problems.append(f"sequences with different skeletons ({facts['joints']}): an HDF5 store can have only one")
    missing = np.mean([(array[..., :2] == 0).any(axis=2).mean() for array in keypoints.values() if len(array)])
    facts["missing joints"] = f"{100 * missing:.1f} %"
    return facts, [*problems, *_missing(keypoints), *_confidences(keypoints), *_postures(sequences)]


def _skeleton_name(array: NDArray[Any]) -> str:
    if array.ndim == 2:
        return f"rows of {array.shape[1]} values, {COCO_17.name}"
    return f"{array.shape[1]}, {find_skeleton(array.shape[1]).name}"


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


def _postures(sequences: Mapping[Key, NDArray[Any]]) -> list[str]:
    """Report the most frequent posture problem, if more than half of the sequences have it."""
    seen = Counter(posture for array in sequences.values() if (posture := _posture(array)))
    if not seen or seen.most_common(1)[0][1] <= len(sequences) / 2:
        return []
    return [seen.most_common(1)[0][0]]


def _posture(array: NDArray[Any]) -> str | None:
    """Return the problem of the joint order or the y axis of a sequence, found by its two lowest joints."""
    if array.ndim == 2:
        array = array[:, array.shape[1] - 51 :].reshape(len(array), 17, 3)
    count = array.shape[1]
    if count not in (17, 18) or not len(array):
        return None
    is_seen = (array[..., :2] != 0).all(axis=2)
    if not is_seen.any(axis=0).all():
        return None
    heights = array[..., 1].sum(axis=0, where=is_seen) / is_seen.sum(axis=0)
    lowest, highest = set(np.argsort(heights)[-2:].tolist()), set(np.argsort(heights)[:2].tolist())
    coco17, coco18 = ({s.index("left ankle"), s.index("right ankle")} for s in (COCO_17, COCO_18))
    if highest == (coco17 if count == 17 else coco18):
        return "bodies are upside down: y points upwards; flip it, skelgait expects image coordinates with y downwards"
    if count == 17 and lowest == coco18:
        return (
            "17 joints in the order of COCO-18 (nose, neck, right shoulder, ...), without the last one: "
            "export all 18, which skelgait converts, or reorder them to COCO-17"
        )
    if count == 17 and lowest == _HUMAN36M_ANKLES:
        return "17 joints in the order of Human3.6M (hip, right hip, right knee, ...): reorder them to COCO-17"
    if count == 18 and lowest == coco17:
        return "18 joints in the order of COCO-17 and an additional one: remove the last joint"
    return None
