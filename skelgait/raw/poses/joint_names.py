"""Names of joints as files write them: LShoulder, left_shoulder, shoulder_l, L_Shoulder."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skelgait.skeletons import COCO_17, Skeleton

_SIDES = {"l": "left", "lt": "left", "left": "left", "r": "right", "rt": "right", "right": "right"}
_PARTS = {
    "shoulder": "shoulder", "sho": "shoulder", "elbow": "elbow", "elb": "elbow", "wrist": "wrist", "wri": "wrist",
    "hip": "hip", "knee": "knee", "ankle": "ankle", "ank": "ankle", "eye": "eye", "ear": "ear", "nose": "nose",
    "neck": "neck", "head": "head",
}  # fmt: skip
_SYNONYMS = {
    "head bottom": "neck", "upper neck": "neck", "top head": "head top", "pelvis": "mid hip", "root": "mid hip",
    "hip": "mid hip",
}  # fmt: skip
_LIMBS = frozenset(COCO_17.joints[5:])
_MIN_LIMBS = 8


def joint_name(text: str) -> str:
    """Return the name of a joint as skeletons have it; other texts become lower-case words.

    For example, "left shoulder" for LShoulder, Lshoulder, left_shoulder, shoulder_l and L_Shoulder.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    tokens = [token.lower() for token in re.split(r"[^A-Za-z0-9]+", words) if token]
    if len(tokens) == 1 and tokens[0] not in _PARTS:
        tokens = _glued(tokens[0])
    side = next((_SIDES[token] for token in tokens if token in _SIDES), "")
    rest = [_PARTS.get(token, token) for token in tokens if token not in _SIDES]
    name = " ".join([side, *rest] if side else rest)
    return _SYNONYMS.get(name, name)


def _glued(token: str) -> list[str]:
    """Split "lshoulder", "leftshoulder" and "shoulderleft" into side and part."""
    for side in sorted(_SIDES, key=len, reverse=True):
        if token.startswith(side) and token[len(side) :] in _PARTS:
            return [side, token[len(side) :]]
        if token.endswith(side) and token[: -len(side)] in _PARTS:
            return [side, token[: -len(side)]]
    return [token]


def named_skeleton(names: Sequence[str], title: str) -> Skeleton | None:
    """Return a skeleton with the joints that a file names; None if they are not the joints of a person.

    Args:
        names: names of the joints, in array order.
        title: name of the skeleton.
    """
    joints = tuple(map(joint_name, names))
    if len(_LIMBS.intersection(joints)) < _MIN_LIMBS or len(set(joints) & set(COCO_17.joints)) < _MIN_LIMBS:
        return None
    substitutes = {"nose": "head"} if "nose" not in joints and "head" in joints else {}
    return Skeleton(title, joints, substitutes=substitutes)
