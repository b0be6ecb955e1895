"""What poses are like: joints, missing ones, and whether bodies stand the way their format says."""

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

# The ankles in orders that 17 or 18 joints come in, by number.
_HUMAN36M_ANKLES = {3, 6}


def pose_facts(sequences: Mapping[Key, NDArray[Any]]) -> tuple[dict[str, object], list[str]]:
    """Facts and problems of poses (T, V, 3), or rows (T, 51) or (T, 53)."""
    joints, problems, keypoints = Counter[str](), [], {}
    for key, array in sequences.items():
        try:
            keypoints[key] = as_keypoints(array, str(key))
            joints[_format_of(array)] += 1
        except DataError as error:
            problems.append(str(error))
    facts: dict[str, object] = {"joints": ", ".join(name for name, _ in joints.most_common())}
    if not keypoints:
        return facts, problems
    if len(joints) > 1:
        problems.append(f"sequences of different formats ({facts['joints']}): an HDF5 store takes one of them only")
    missing = np.mean([(array[..., :2] == 0).any(axis=2).mean() for array in keypoints.values() if len(array)])
    facts["joints missing"] = f"{100 * missing:.1f} %"
    return facts, [*problems, *_gaps(keypoints), *_confidences(keypoints), *_postures(sequences)]


def _format_of(array: NDArray[Any]) -> str:
    if array.ndim == 2:
        return f"rows of {array.shape[1]} values, {COCO_17.name}"
    return f"{array.shape[1]}, {find_skeleton(array.shape[1]).name}"


def _gaps(keypoints: Mapping[Key, NDArray[Any]]) -> list[str]:
    """Joints that no frame of a sequence has, and frames without height."""
    problems = []
    never = {key: (array[..., :2] == 0).all(axis=0).any(axis=1) for key, array in keypoints.items() if len(array)}
    spoiled = [key for key, is_never in never.items() if is_never.any()]
    if spoiled:
        names = [name for name, lost in zip(COCO_17.joints, never[spoiled[0]], strict=True) if lost]
        problems.append(
            f"{len(spoiled)} sequences in which a joint is never seen, such as {spoiled[0]} ({', '.join(names[:4])}): "
            "their bodies come out too small; draw with --fill visible"
        )
    flat = sum(int((np.ptp(array[..., 1], axis=1) == 0).sum()) for array in keypoints.values())
    if flat:
        problems.append(f"{flat} frames whose joints have no height: their maps will be empty")
    empty = [str(key) for key, array in keypoints.items() if not len(array)]
    if empty:
        problems.append(f"{len(empty)} sequences without a frame, such as {empty[0]}: leave them out")
    return problems


def _confidences(keypoints: Mapping[Key, NDArray[Any]]) -> list[str]:
    outside = [str(k) for k, array in keypoints.items() if ((array[..., 2] < 0) | (array[..., 2] > 1)).any()]
    if not outside:
        return []
    return [
        f"{len(outside)} sequences with confidences outside of 0 to 1, such as {outside[0]}: "
        "more than 1 counts as 1; divide them by their maximum, or draw with --set heatmap.use_score=false"
    ]


def _postures(sequences: Mapping[Key, NDArray[Any]]) -> list[str]:
    """Whether the ankles are lowest; if not, what order the joints may be in."""
    seen = Counter(posture for array in sequences.values() if (posture := _posture(array)))
    if not seen or seen.most_common(1)[0][1] <= len(sequences) / 2:
        return []
    return [seen.most_common(1)[0][0]]


def _posture(array: NDArray[Any]) -> str | None:
    """What is wrong with the order of the joints of one sequence, told by which two are lowest."""
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
        return "the bodies stand on their heads: y grows upwards; turn it, as skelgait draws in image coordinates"
    if count == 17 and lowest == coco18:
        return (
            "17 joints in the order of COCO-18 (nose, neck, right shoulder, ...), as if the last of 18 were cut off: "
            "export all 18, which skelgait converts by itself, or reorder them to COCO-17"
        )
    if count == 17 and lowest == _HUMAN36M_ANKLES:
        return "17 joints in the order of Human3.6M (hip, right hip, right knee, ...): reorder them to COCO-17"
    if count == 18 and lowest == coco17:
        return "18 joints in the order of COCO-17 with one more: leave the last one out, so that 17 remain"
    return None
