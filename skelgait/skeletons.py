"""Skeletons of pose estimators, with the names of their joints.

| constant  | joints | used by                                          |
|-----------|--------|--------------------------------------------------|
| COCO_17   | 17     | COCO, MMPose, AlphaPose, HRNet; skelgait itself  |
| COCO_18   | 18     | OpenPose, COCO model                             |
| BODY_25   | 25     | OpenPose, BODY_25 model                          |
| HALPE_26  | 26     | AlphaPose, Halpe body and feet                   |
| COCO_133  | 133    | MMPose, COCO-WholeBody                           |
| HALPE_136 | 136    | AlphaPose, Halpe full body                       |
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import ShapeError

__all__ = [
    "BODY_25", "COCO_17", "COCO_18", "COCO_133", "HALPE_26", "HALPE_136", "SKELETONS",
    "Skeleton", "find_skeleton", "known_joint_counts", "to_coco17",
]  # fmt: skip


@dataclass(frozen=True)
class Skeleton:
    """Named joints in a fixed order.

    Attributes:
        name: name of the skeleton.
        joints: names of the V joints, in array order.
        limbs: pairs of joint names, in drawing order; empty if the skeleton is not drawn.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = ()

    def index(self, joint: str) -> int:
        """Return the index of a joint in arrays of this skeleton."""
        return self.joints.index(joint)

    def limb_indices(self) -> NDArray[np.int64]:
        """Return the joint indices of the limb ends, (L, 2), in drawing order."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.limbs], dtype=np.int64)


COCO_17 = Skeleton(
    "COCO-17",
    joints=(
        "nose", "left eye", "right eye", "left ear", "right ear",  # 0-4
        "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",  # 5-10
        "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",  # 11-16
    ),
    limbs=(
        ("nose", "left eye"), ("nose", "right eye"), ("left eye", "left ear"), ("right eye", "right ear"),
        ("nose", "left shoulder"), ("left shoulder", "left elbow"), ("left elbow", "left wrist"),
        ("nose", "right shoulder"), ("right shoulder", "right elbow"), ("right elbow", "right wrist"),
        ("left shoulder", "left hip"), ("left hip", "left knee"), ("left knee", "left ankle"),
        ("right shoulder", "right hip"), ("right hip", "right knee"), ("right knee", "right ankle"),
        ("left hip", "right hip"),
    ),
)  # fmt: skip

COCO_18 = Skeleton(
    "COCO-18",
    joints=(
        "nose", "neck",  # 0-1
        "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",  # 2-7
        "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",  # 8-13
        "right eye", "left eye", "right ear", "left ear",  # 14-17
    ),
)  # fmt: skip

BODY_25 = Skeleton(
    "BODY-25",
    joints=(
        "nose", "neck",  # 0-1
        "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",  # 2-7
        "mid hip", "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",  # 8-14
        "right eye", "left eye", "right ear", "left ear",  # 15-18
        "left big toe", "left small toe", "left heel", "right big toe", "right small toe", "right heel",  # 19-24
    ),
)  # fmt: skip

HALPE_26 = Skeleton(
    "Halpe-26",
    joints=(
        *COCO_17.joints,  # 0-16
        "head", "neck", "mid hip",  # 17-19
        "left big toe", "right big toe", "left small toe", "right small toe", "left heel", "right heel",  # 20-25
    ),
)  # fmt: skip

# Joints of feet, face and hands are not used, and therefore not named.
COCO_133 = Skeleton("COCO-WholeBody-133", (*COCO_17.joints, *(f"point {n}" for n in range(17, 133))))
HALPE_136 = Skeleton("Halpe-136", (*HALPE_26.joints, *(f"point {n}" for n in range(26, 136))))

SKELETONS = (COCO_17, COCO_18, BODY_25, HALPE_26, COCO_133, HALPE_136)
"""Skeletons that are recognized by their number of joints."""

_BY_JOINT_COUNT = {len(skeleton.joints): skeleton for skeleton in SKELETONS}


def known_joint_counts() -> list[int]:
    """Return the numbers of joints of the known skeletons, ascending."""
    return sorted(_BY_JOINT_COUNT)


def find_skeleton(n_joints: int, name: str = "keypoints") -> Skeleton:
    """Return the skeleton with `n_joints` joints.

    Args:
        n_joints: number of joints V.
        name: name of the array in the error message.

    Raises:
        ShapeError: if no known skeleton has this number of joints.
    """
    if n_joints not in _BY_JOINT_COUNT:
        known = " or ".join(f"{n} ({s.name})" for n, s in _BY_JOINT_COUNT.items())
        raise ShapeError(name, f"{n_joints} joints", known, "export the poses with one of these skeletons")
    return _BY_JOINT_COUNT[n_joints]


def to_coco17(keypoints_xyc: NDArray[np.floating], name: str = "keypoints") -> NDArray[np.floating]:
    """Convert keypoints of a known skeleton to COCO-17.

    Args:
        keypoints_xyc: (T, V, C) keypoints; the skeleton is recognized by V.
        name: name of the array in the error message.

    Returns:
        (T, 17, C) keypoints; `keypoints_xyc` itself, without a copy, if it is COCO-17 already.

    Raises:
        ShapeError: if no known skeleton has V joints.
    """
    skeleton = find_skeleton(keypoints_xyc.shape[1], name)
    if skeleton is COCO_17:
        return keypoints_xyc
    return keypoints_xyc[:, [skeleton.index(joint) for joint in COCO_17.joints]]
