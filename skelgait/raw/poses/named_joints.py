"""Skeletons that files name: joint names of COCO categories and MMPose metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skelgait.errors import DataError
from skelgait.raw.poses.joint_names import named_skeleton
from skelgait.skeletons import (
    AIC,
    COCO_17,
    COCO_133,
    CROWDPOSE,
    H36M,
    HALPE_26,
    HALPE_136,
    JHMDB,
    MPII,
    POSETRACK18,
    Skeleton,
)

# Names of a class of people; other classes are refused.
_PEOPLE = (
    "person", "people", "human", "pedestrian", "body", "man", "woman", "child", "walker", "runner", "player",
    "athlete", "patient", "subject", "pose",
)  # fmt: skip
# Fewer names than this do not name the joints of a body.
_MIN_NAMES = 8
_DATASETS = {
    "coco": COCO_17, "coco_wholebody": COCO_133, "halpe": HALPE_136, "halpe26": HALPE_26, "body26": HALPE_26,
    "mpii": MPII, "crowdpose": CROWDPOSE, "aic": AIC, "jhmdb": JHMDB, "posetrack18": POSETRACK18, "h36m": H36M,
}  # fmt: skip
_HINT = "skelgait reads people only; remove the other categories"


def is_person(category: Any) -> bool:
    """Return True if the name of a category is that of people, or if it has no name."""
    text = str(category or "").lower()
    return not text or any(word in text.replace("_", " ").replace("-", " ").split() for word in _PEOPLE)


def skeleton_of_names(names: Sequence[Any], title: str, path: Path) -> Skeleton | None:
    """Return the skeleton with the joints that a file names; None if there are too few names for a body.

    Raises:
        DataError: if the names are not those of a person's joints.
    """
    texts = [str(name) for name in names]
    if len(texts) < _MIN_NAMES or all(text.isdigit() for text in texts):
        return None
    skeleton = named_skeleton(texts, title)
    if skeleton is None:
        found = f"joints named {', '.join(texts[:5])}, ..., which are not those of a person"
        raise DataError(path, found, "shoulders, elbows, wrists, hips, knees and ankles", _HINT)
    return skeleton


def skeleton_of_metadata(metadata: Any, path: Path) -> Skeleton | None:
    """Return the skeleton that the `meta_info` of MMPose names; None if it names none.

    Raises:
        DataError: if it names other joints than a person's.
    """
    if not isinstance(metadata, Mapping):
        return None
    names, title = metadata.get("keypoint_id2name"), str(metadata.get("dataset_name") or "")
    if isinstance(names, Mapping):
        names = [names[key] for key in sorted(names, key=lambda key: int(key) if str(key).isdigit() else -1)]
    skeleton = skeleton_of_names(names, title or "meta_info", path) if isinstance(names, list) else None
    return skeleton or _DATASETS.get(title.lower())
