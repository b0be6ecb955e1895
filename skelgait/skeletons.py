"""The skeletons that pose estimators give: joints and limbs by name, and the way to COCO-17."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import ShapeError

__all__ = [
    "BODY_25",
    "COCO_17",
    "COCO_18",
    "COCO_133",
    "HALPE_26",
    "HALPE_136",
    "SKELETONS",
    "Skeleton",
    "find_skeleton",
    "known_joint_counts",
    "to_coco17",
]  # fmt: skip


@dataclass(frozen=True)
class Skeleton:
    """A fixed order of named joints.

    Attributes:
        name: the format's name.
        joints: V joint names, in the order of the arrays.
        limbs: pairs of joint names, in drawing order; empty where the format is never drawn itself.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = ()

    def index(self, joint: str) -> int:
        """Row of `joint` in an array of this skeleton."""
        return self.joints.index(joint)

    def limb_indices(self) -> NDArray[np.int64]:
        """(L, 2) joint rows of both ends of every limb, in drawing order."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.limbs], dtype=np.int64)


COCO_17 = Skeleton(
    name="COCO-17",
    joints=(
        "nose", "left eye", "right eye", "left ear", "right ear",
        "left shoulder", "right shoulder", "left elbow", "right elbow", "left wrist", "right wrist",
        "left hip", "right hip", "left knee", "right knee", "left ankle", "right ankle",
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
    name="COCO-18",
    joints=(
        "nose", "neck",
        "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
        "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",
        "right eye", "left eye", "right ear", "left ear",
    ),
)  # fmt: skip

BODY_25 = Skeleton(
    name="BODY-25",
    joints=(
        "nose", "neck",
        "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
        "mid hip", "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle",
        "right eye", "left eye", "right ear", "left ear",
        "left big toe", "left small toe", "left heel", "right big toe", "right small toe", "right heel",
    ),
)  # fmt: skip

HALPE_26 = Skeleton(
    name="Halpe-26",
    joints=(
        *COCO_17.joints,
        "head", "neck", "mid hip",
        "left big toe", "right big toe", "left small toe", "right small toe", "left heel", "right heel",
    ),
)  # fmt: skip

# Feet, face and hands follow the body; they are only counted here.
COCO_133 = Skeleton("COCO-WholeBody-133", (*COCO_17.joints, *(f"point {n}" for n in range(17, 133))))
HALPE_136 = Skeleton("Halpe-136", (*HALPE_26.joints, *(f"point {n}" for n in range(26, 136))))

SKELETONS = (COCO_17, COCO_18, BODY_25, HALPE_26, COCO_133, HALPE_136)

_BY_JOINT_COUNT = {len(skeleton.joints): skeleton for skeleton in SKELETONS}


def known_joint_counts() -> list[int]:
    """The numbers of joints V by which formats are told, ascending."""
    return sorted(_BY_JOINT_COUNT)


def find_skeleton(n_joints: int, name: str = "keypoints") -> Skeleton:
    """The skeleton format with `n_joints` joints.

    Raises:
        ShapeError: no known format has that many joints; `where` names the array's origin.
    """
    if n_joints not in _BY_JOINT_COUNT:
        known = " or ".join(f"{n} ({s.name})" for n, s in _BY_JOINT_COUNT.items())
        raise ShapeError(name, f"{n_joints} joints", known, "export the poses in one of these formats")
    return _BY_JOINT_COUNT[n_joints]


def to_coco17(keypoints_xyc: NDArray[np.floating], name: str = "keypoints") -> NDArray[np.floating]:
    """Reorder (T, V, C) keypoints of any known format to (T, 17, C) COCO-17, chosen by V alone.

    COCO-17 input is returned as it is, without a copy.

    Raises:
        ShapeError: no known format has V joints.
    """
    source = find_skeleton(keypoints_xyc.shape[1], name)
    if source is COCO_17:
        return keypoints_xyc
    return keypoints_xyc[:, [source.index(joint) for joint in COCO_17.joints]]
