"""Suppression of people that an estimator finds twice in one image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skelgait.raw.poses.body_motion import height_px, pose_distances
from skelgait.skeletons import COCO_17
from skelgait.video.estimator import Person

# Two detections whose joints are this near, in body heights, are one person. People who walk side by side are farther
# apart; a detection of the same person differs by a few hundredths.
_SAME_PERSON = 0.1
# The same joints with left and right exchanged: a second detection may take the back for the front.
_MIRRORED = [
    COCO_17.index(joint.replace("left", "right") if "left" in joint else joint.replace("right", "left"))
    for joint in COCO_17.joints
]


def suppress_overlaps(people: Sequence[Person]) -> list[Person]:
    """Return people without second detections of one person; of two, the one with the higher score.

    Two detections are one person if their joints are less than a tenth of a body height apart in the mean, as they are
    or with left and right exchanged.
    """
    kept: list[Person] = []
    for person in sorted(people, key=lambda item: -item.score):
        if not any(_is_same(person, other) for other in kept):
            kept.append(person)
    return kept


def _is_same(person: Person, other: Person) -> bool:
    height = max(height_px(person.joints), height_px(other.joints), 1e-9)
    forms = np.stack([person.joints, person.joints[_MIRRORED]])
    return bool(pose_distances(forms, other.joints[None]).min() < _SAME_PERSON * height)
