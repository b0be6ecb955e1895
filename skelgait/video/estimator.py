"""Interface of pose estimators: one image in, the people in it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.posture import is_present

# Margin around the joints for hair, hands and feet, in heights of the joints.
_MARGIN = 0.15


class Box(NamedTuple):
    """Rectangle in pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Person:
    """One person in one image.

    Attributes:
        joints: (17, 3) COCO-17 joints: x px, y px, confidence in [0, 1].
        box: box of the person.
        score: confidence of the person, in [0, 1].
        mask: silhouette inside the box, (box height, box width) uint8, 0 or 255; None: the estimator has none.
    """

    joints: NDArray[np.float32]
    box: Box
    score: float
    mask: NDArray[np.uint8] | None = None


class PoseEstimator(Protocol):
    """Pose estimator of one video; it gets the frames in the order of time."""

    def __call__(self, image: NDArray[np.uint8], time_s: float, /) -> list[Person]:
        """Return the people in an image.

        Args:
            image: (H, W, 3) RGB.
            time_s: time of the frame in the video, in seconds.
        """
        ...

    def close(self) -> None:
        """Free the model after the last frame."""
        ...


class MakeEstimator(Protocol):
    """Function that makes the estimator of a new video."""

    def __call__(self) -> PoseEstimator:
        """Return an estimator that has seen no frame."""
        ...


def person_box(joints: NDArray[Any], width: int, height: int) -> Box:
    """Return the box of the joints (17, 3) with a margin, cut to the image; of at least one pixel."""
    present = joints[is_present(joints), :2].astype(np.float64)
    if not len(present):
        return Box(0, 0, 1, 1)
    margin = _MARGIN * np.ptp(present[:, 1])
    low, high = present.min(axis=0) - margin, present.max(axis=0) + margin
    left, top = (int(np.clip(low[i], 0, size - 1)) for i, size in enumerate((width, height)))
    right, bottom = (int(np.clip(np.ceil(high[i]), 1, size)) for i, size in enumerate((width, height)))
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))
