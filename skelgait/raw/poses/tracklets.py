"""Tracklets: parts of a person track in which the person is seen almost without interruption."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.body_motion import height_px, mean_motion
from skelgait.raw.poses.track_ids import NO_ID

# Number of detections that the speed is measured over.
_SPEED_WINDOW = 15


@dataclass
class Tracklet:
    """Detections of one person in the order of time.

    Attributes:
        frames: index of the frame of each detection.
        persons: index of the person in its frame.
        joints: (V, 3) joints of each detection.
        heights: height of each detection in px.
        ids: track id of each detection in the file; NO_ID: it has none.
    """

    frames: list[int] = field(default_factory=list)
    persons: list[int] = field(default_factory=list)
    joints: list[NDArray[Any]] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def append(self, frame: int, person: int, joints: NDArray[Any], track_id: int = NO_ID) -> None:
        """Add a detection in a later frame."""
        self.frames.append(frame)
        self.persons.append(person)
        self.joints.append(joints)
        self.heights.append(height_px(joints))
        self.ids.append(track_id)

    @property
    def height(self) -> float:
        """Median height of the last detections in px."""
        return statistics.median(self.heights[-_SPEED_WINDOW:])

    def speed(self, *, at_end: bool = True) -> NDArray[np.float64]:
        """Return the motion (2,) in px per frame of the last detections, or of the first ones."""
        window = slice(-_SPEED_WINDOW, None) if at_end else slice(None, _SPEED_WINDOW)
        frames, joints = self.frames[window], self.joints[window]
        return mean_motion(joints[0], joints[-1]) / max(frames[-1] - frames[0], 1)

    def predict(self, frame: int) -> NDArray[Any]:
        """Return the joints (V, 3) in a later or an earlier frame, at constant speed; missing joints stay missing."""
        at_end = frame > self.frames[-1]
        last, joints = (self.frames[-1], self.joints[-1]) if at_end else (self.frames[0], self.joints[0])
        moved = joints.astype(np.float64)
        moved[:, :2] += np.where((joints[:, :2] != 0).any(axis=1, keepdims=True), self.speed(at_end=at_end), 0) * (
            frame - last
        )
        return moved
