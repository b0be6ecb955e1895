"""Skeletons of pose estimators and datasets, with the names of their joints, and conversion to COCO-17.

| constant     | joints | used by                                             |
|--------------|--------|-----------------------------------------------------|
| COCO_17      | 17     | COCO, MMPose, AlphaPose, YOLO; skelgait itself      |
| H36M         | 17     | Human3.6M                                           |
| POSETRACK18  | 17     | PoseTrack 2017 and 2018                             |
| OPENPOSE_18  | 18     | OpenPose, COCO model; kinetics-skeleton of ST-GCN   |
| COCO_NECK    | 18     | COCO-17 with the neck as an additional last joint   |
| BODY_25      | 25     | OpenPose, BODY_25 model                             |
| BODY_25B     | 25     | OpenPose, BODY_25B model                            |
| KINECT       | 25     | Kinect v2, NTU RGB+D                                |
| HALPE_26     | 26     | AlphaPose, Halpe body and feet                      |
| MEDIAPIPE    | 33     | MediaPipe, BlazePose                                |
| COCO_133     | 133    | MMPose, COCO-WholeBody                              |
| HALPE_136    | 136    | AlphaPose, Halpe full body                          |
| MPII         | 16     | MPII                                                |
| JHMDB        | 15     | JHMDB, sub-JHMDB                                    |
| OPENPOSE_MPI | 15     | OpenPose, MPI model                                 |
| CROWDPOSE    | 14     | CrowdPose                                           |
| AIC          | 14     | AI Challenger                                       |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import SettingsError, ShapeError

__all__ = [
    "AIC", "BODY_25", "BODY_25B", "COCO_17", "COCO_133", "COCO_NECK", "CROWDPOSE", "H36M", "HALPE_26", "HALPE_136",
    "JHMDB", "KINECT", "MEDIAPIPE", "MPII", "OPENPOSE_18", "OPENPOSE_MPI", "POSETRACK18", "SKELETONS",
    "Skeleton", "find_skeleton", "get_skeleton", "known_joint_counts", "skeletons_with", "to_coco17",
]  # fmt: skip


@dataclass(frozen=True)
class Skeleton:
    """Named joints in a fixed order.

    Attributes:
        name: name of the skeleton, as in `--skeleton`.
        joints: names of the V joints, in array order.
        limbs: pairs of joint names, in drawing order; empty if the skeleton is not drawn.
        substitutes: joint that stands for a joint of COCO-17 that the skeleton lacks.
    """

    name: str
    joints: tuple[str, ...]
    limbs: tuple[tuple[str, str], ...] = ()
    substitutes: Mapping[str, str] = field(default_factory=dict)

    def index(self, joint: str) -> int:
        """Return the index of a joint in arrays of this skeleton."""
        return self.joints.index(joint)

    def limb_indices(self) -> NDArray[np.int64]:
        """Return the joint indices of the limb ends, (L, 2), in drawing order."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.limbs], dtype=np.int64)

    @cached_property
    def coco17_indices(self) -> tuple[int, ...]:
        """Index of each joint of COCO-17 in this skeleton; -1 if the skeleton lacks it."""
        names = [self.substitutes.get(joint, joint) for joint in COCO_17.joints]
        return tuple(self.joints.index(name) if name in self.joints else -1 for name in names)

    def to_coco17(self, joints: NDArray[np.floating]) -> NDArray[np.floating]:
        """Convert joints of this skeleton to COCO-17.

        Args:
            joints: (..., V, C) joints.

        Returns:
            (..., 17, C) joints; a joint that the skeleton lacks is 0. `joints` itself if it is COCO-17 already.
        """
        if self.coco17_indices == tuple(range(len(self.joints))):
            return joints
        converted = joints[..., self.coco17_indices, :]
        converted[..., [index < 0 for index in self.coco17_indices], :] = 0
        return converted


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
_BODY_12 = COCO_17.joints[5:]
_FEET = ("left big toe", "left small toe", "left heel", "right big toe", "right small toe", "right heel")
_RIGHT_LEG, _LEFT_LEG = (tuple(f"{side} {joint}" for joint in ("hip", "knee", "ankle")) for side in ("right", "left"))
_RIGHT_ARM, _LEFT_ARM = (
    tuple(f"{side} {joint}" for joint in ("shoulder", "elbow", "wrist")) for side in ("right", "left")
)
_FACE_RIGHT_FIRST = ("right eye", "left eye", "right ear", "left ear")

H36M = Skeleton(
    "H36M",
    (
        "mid hip", *_RIGHT_LEG, *_LEFT_LEG, "spine", "thorax", "neck or nose", "head top",  # 0-10
        *_LEFT_ARM, *_RIGHT_ARM,  # 11-16
    ),
    substitutes={"nose": "neck or nose"},
)  # fmt: skip
POSETRACK18 = Skeleton("PoseTrack18", ("nose", "neck", "head top", "left ear", "right ear", *_BODY_12))
OPENPOSE_18 = Skeleton(
    "OpenPose-18",
    ("nose", "neck", *_RIGHT_ARM, *_LEFT_ARM, *_RIGHT_LEG, *_LEFT_LEG, *_FACE_RIGHT_FIRST),
)
COCO_NECK = Skeleton("COCO-17-neck", (*COCO_17.joints, "neck"))
BODY_25 = Skeleton(
    "BODY_25",
    ("nose", "neck", *_RIGHT_ARM, *_LEFT_ARM, "mid hip", *_RIGHT_LEG, *_LEFT_LEG, *_FACE_RIGHT_FIRST, *_FEET),
)
BODY_25B = Skeleton("BODY_25B", (*COCO_17.joints, "neck", "head top", *_FEET))
KINECT = Skeleton(
    "Kinect-25",
    (
        "mid hip", "spine", "neck", "head",  # 0-3
        *_LEFT_ARM, "left hand", *_RIGHT_ARM, "right hand",  # 4-11
        *_LEFT_LEG, "left foot", *_RIGHT_LEG, "right foot",  # 12-19
        "spine shoulder", "left hand tip", "left thumb", "right hand tip", "right thumb",  # 20-24
    ),
    substitutes={"nose": "head"},
)  # fmt: skip
HALPE_26 = Skeleton(
    "Halpe-26",
    (
        *COCO_17.joints,  # 0-16
        "head top", "neck", "mid hip",  # 17-19
        "left big toe", "right big toe", "left small toe", "right small toe", "left heel", "right heel",  # 20-25
    ),
)  # fmt: skip
MEDIAPIPE = Skeleton(
    "MediaPipe-33",
    (
        "nose", "left eye inner", "left eye", "left eye outer", "right eye inner", "right eye", "right eye outer",
        "left ear", "right ear", "left mouth", "right mouth",  # 7-10
        *COCO_17.joints[5:11],  # 11-16
        "left pinky", "right pinky", "left index", "right index", "left thumb", "right thumb",  # 17-22
        *COCO_17.joints[11:],  # 23-28
        "left heel", "right heel", "left foot index", "right foot index",  # 29-32
    ),
)  # fmt: skip
# Joints of feet, face and hands are not used, and therefore not named.
COCO_133 = Skeleton("COCO-WholeBody-133", (*COCO_17.joints, *(f"point {n}" for n in range(17, 133))))
HALPE_136 = Skeleton("Halpe-136", (*HALPE_26.joints, *(f"point {n}" for n in range(26, 136))))
MPII = Skeleton(
    "MPII",
    (
        *_RIGHT_LEG[::-1], *_LEFT_LEG, "mid hip", "thorax", "neck", "head top",  # 0-9
        *_RIGHT_ARM[::-1], *_LEFT_ARM,  # 10-15
    ),
)  # fmt: skip
JHMDB = Skeleton(
    "JHMDB",
    (
        "neck", "belly", "head",  # 0-2
        *(f"{side} {joint}" for joint in ("shoulder", "hip", "elbow", "knee", "wrist", "ankle")
          for side in ("right", "left")),
    ),
    substitutes={"nose": "head"},
)  # fmt: skip
OPENPOSE_MPI = Skeleton(
    "OpenPose-MPI-15", ("head top", "neck", *_RIGHT_ARM, *_LEFT_ARM, *_RIGHT_LEG, *_LEFT_LEG, "chest")
)
CROWDPOSE = Skeleton("CrowdPose", (*_BODY_12, "head top", "neck"))
AIC = Skeleton("AIC", (*_RIGHT_ARM, *_LEFT_ARM, *_RIGHT_LEG, *_LEFT_LEG, "head top", "neck"))

SKELETONS = (
    COCO_17, H36M, POSETRACK18, OPENPOSE_18, COCO_NECK, BODY_25, BODY_25B, KINECT, HALPE_26, MEDIAPIPE, COCO_133,
    HALPE_136, MPII, JHMDB, OPENPOSE_MPI, CROWDPOSE, AIC,
)  # fmt: skip
"""All skeletons; of those with the same number of joints, the most common comes first."""

_BY_NAME = {skeleton.name.lower(): skeleton for skeleton in SKELETONS} | {"kinetics-skeleton-18": OPENPOSE_18}


def known_joint_counts() -> list[int]:
    """Return the numbers of joints of the known skeletons, ascending."""
    return sorted({len(skeleton.joints) for skeleton in SKELETONS})


def skeletons_with(n_joints: int) -> tuple[Skeleton, ...]:
    """Return the skeletons with `n_joints` joints, the most common first; empty if there is none."""
    return tuple(skeleton for skeleton in SKELETONS if len(skeleton.joints) == n_joints)


def get_skeleton(name: str) -> Skeleton:
    """Return the skeleton with a name; case does not matter.

    Raises:
        SettingsError: if the name is unknown.
    """
    if name.lower() not in _BY_NAME:
        names = ", ".join(skeleton.name for skeleton in SKELETONS)
        raise SettingsError("--skeleton", name, f"one of {names}", "or pass a file that names the joints")
    return _BY_NAME[name.lower()]


def find_skeleton(n_joints: int, name: str = "keypoints") -> Skeleton:
    """Return the most common skeleton with `n_joints` joints.

    Args:
        n_joints: number of joints V.
        name: name of the array in the error message.

    Raises:
        ShapeError: if no known skeleton has this number of joints.
    """
    skeletons = skeletons_with(n_joints)
    if not skeletons:
        known = ", ".join(map(str, known_joint_counts()))
        raise ShapeError(name, f"{n_joints} joints", f"one of {known} joints", "name the joints with --skeleton FILE")
    return skeletons[0]


def to_coco17(keypoints_xyc: NDArray[np.floating], name: str = "keypoints") -> NDArray[np.floating]:
    """Convert keypoints of the most common skeleton with their number of joints to COCO-17.

    Args:
        keypoints_xyc: (T, V, C) keypoints; the skeleton is recognized by V.
        name: name of the array in the error message.

    Returns:
        (T, 17, C) keypoints; `keypoints_xyc` itself, without a copy, if it is COCO-17 already.

    Raises:
        ShapeError: if no known skeleton has V joints.
    """
    return find_skeleton(keypoints_xyc.shape[1], name).to_coco17(keypoints_xyc)
