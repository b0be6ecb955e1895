"""Quality of the track of one person: what is seen, how large, from which side, and for how many steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.poses.body_motion import height_px
from skelgait.skeletons import COCO_17

View = Literal["front", "side", "back"]

FLOOR_FRAMES = 10
"""Number of frames below which nobody is identified or enrolled."""
FLOOR_HEIGHT_PX = 32
"""Height of the joints in pixels below which nobody is identified or enrolled."""
FLOOR_WHOLE_BODY = 0.1
"""Share of frames with the whole body below which nobody is identified or enrolled."""

QUALITY_HINT = "use a longer video, nearer to the camera, in which the whole body is seen"
"""Hint for a sequence of too little quality."""

_SEEN_CONFIDENCE = 0.5
_HALF = 0.5
# A body part is seen if one of its joints is: from the side, one leg hides the other.
_PARTS = [[COCO_17.index(joint) for joint in ("nose", "left eye", "right eye", "left ear", "right ear")]] + [
    [COCO_17.index(f"{side} {joint}") for side in ("left", "right")] for joint in ("shoulder", "hip", "knee", "ankle")
]
_SHOULDERS, _HIPS, _ANKLES = (
    (COCO_17.index(f"left {joint}"), COCO_17.index(f"right {joint}")) for joint in ("shoulder", "hip", "ankle")
)
# Distance of the shoulders in lengths of the trunk, from the front: between that of 14 real people recorded with a
# depth camera (mean 0.70, standard deviation 0.04) and that of 40 synthetic walkers (0.77, 0.06).
_FRONTAL_WIDTH = 0.72
# Angle to the direct view from the front or the back, from which on a view is one from the side.
_SIDE_DEG = 45.0
# Duration of a gait cycle in seconds, slow to fast; least autocorrelation and step, in body heights, of a walk.
_CYCLE_S = (0.7, 1.8)
_MIN_CORRELATION = 0.4
_MIN_STEP = 0.03
_RATE_HZ = 30.0


@dataclass(frozen=True)
class Quality:
    """Quality of a track.

    Attributes:
        frames: number of frames.
        seconds: time from the first to the last frame.
        whole_body: share of frames in which head, shoulders, hips, knees and ankles are seen, in [0, 1].
        confidence: mean confidence of the joints, in [0, 1].
        height_px: median height of the joints.
        gait_cycles: number of gait cycles (two steps each); 0 if the person does not walk regularly.
        view: side of the body that is seen.
        view_deg: angle of the view: 0: front, 90: side, 180: back.
        marks: what is too little, for example "fewer than 15 frames".
    """

    frames: int
    seconds: float
    whole_body: float
    confidence: float
    height_px: float
    gait_cycles: float
    view: View
    view_deg: float
    marks: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers rounded, for files and reports."""
        return {
            name: round(value, 3) if isinstance(value, float) else list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def measure_quality(
    poses: NDArray[np.floating],
    times_s: NDArray[np.floating],
    size: tuple[int, int],
    min_frames: int = 15,
    min_height_px: int = 64,
) -> Quality:
    """Return the quality of a track.

    Args:
        poses: (T, 17, 3) COCO-17 joints: x px, y px, confidence; T >= 1.
        times_s: T times in seconds.
        size: width and height of the images in pixels.
        min_frames: number of frames below which the track is marked.
        min_height_px: height of the joints in pixels below which the track is marked.
    """
    whole_body = float(is_whole_body(poses, size).mean())
    height = float(np.median([height_px(body) for body in poses]))
    view_deg = estimate_view(poses)
    view: View = "front" if view_deg < _SIDE_DEG else "back" if view_deg > 180 - _SIDE_DEG else "side"
    marks = {
        f"fewer than {min_frames} frames": len(poses) < min_frames,
        f"lower than {min_height_px} px": height < min_height_px,
        "half seen": whole_body < _HALF,
    }
    return Quality(
        len(poses),
        float(times_s[-1] - times_s[0]),
        whole_body,
        float(poses[..., 2].mean()),
        height,
        count_gait_cycles(poses, times_s),
        view,
        view_deg,
        tuple(mark for mark, is_given in marks.items() if is_given),
    )


def is_whole_body(poses: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return for each of T frames if head, shoulders, hips, knees and ankles are seen.

    A part is seen if one of its joints (left or right) has a confidence of 0.5 and is inside the image.

    Args:
        poses: (T, 17, 3) COCO-17 joints.
        size: width and height of the images in pixels.
    """
    is_inside = ((poses[..., :2] >= 0) & (poses[..., :2] < size)).all(axis=2)
    seen = is_inside & (poses[..., 2] >= _SEEN_CONFIDENCE)
    return np.asarray(np.stack([seen[:, part].any(axis=1) for part in _PARTS]).all(axis=0))


def estimate_view(poses: NDArray[np.floating]) -> float:
    """Return the angle of the view in degrees: 0: front, 90: side, 180: back.

    It follows from the horizontal distance of the shoulders and hips, relative to the length of the trunk. Its sign
    tells front from back: from the front, the left shoulder is on the right of the image.

    Args:
        poses: (T, 17, 3) COCO-17 joints.
    """
    xy = poses[..., :2].astype(np.float64)
    trunk = np.linalg.norm(xy[:, _SHOULDERS].mean(axis=1) - xy[:, _HIPS].mean(axis=1), axis=1)
    width = float(np.median((xy[:, _SHOULDERS[0], 0] - xy[:, _SHOULDERS[1], 0]) / np.maximum(trunk, 1e-9)))
    return float(np.rad2deg(np.arccos(np.clip(width / _FRONTAL_WIDTH, -1, 1))))


def count_gait_cycles(poses: NDArray[np.floating], times_s: NDArray[np.floating]) -> float:
    """Return the number of gait cycles: the time, divided by the period of the step from ankle to ankle.

    The period is the first peak of the autocorrelation from 0.7 to 1.8 seconds.

    Args:
        poses: (T, 17, 3) COCO-17 joints.
        times_s: T times in seconds, ascending.
    """
    duration = float(times_s[-1] - times_s[0])
    height = float(np.median([height_px(body) for body in poses]))
    if duration < _CYCLE_S[0] or height <= 0:
        return 0.0
    step = poses[:, _ANKLES[0], :2].astype(np.float64) - poses[:, _ANKLES[1], :2]
    even = np.arange(0, duration, 1 / _RATE_HZ)
    steps = np.stack([np.interp(even, times_s - times_s[0], step[:, axis]) for axis in (0, 1)], axis=1) / height
    steps -= steps.mean(axis=0)
    if np.sqrt((steps**2).sum(axis=1).mean()) < _MIN_STEP:
        return 0.0
    lags = np.arange(round(_CYCLE_S[0] * _RATE_HZ), min(round(_CYCLE_S[1] * _RATE_HZ), len(even) - 5) + 1)
    if not len(lags):
        return 0.0
    correlations = np.array([_correlation(steps[:-lag], steps[lag:]) for lag in lags])
    best = int(correlations.argmax())
    return duration * _RATE_HZ / float(lags[best]) if correlations[best] >= _MIN_CORRELATION else 0.0


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm > 0 else 0.0


def check_quality(quality: Quality, name: str) -> list[str]:
    """Return one warning for each mark of a sequence that is about to be identified or enrolled.

    Args:
        quality: quality of the sequence.
        name: name of the sequence, for messages.

    Raises:
        DataError: if it is below a floor: `FLOOR_FRAMES`, `FLOOR_HEIGHT_PX` or `FLOOR_WHOLE_BODY`.
    """
    floors: Sequence[tuple[bool, str, str]] = (
        (quality.frames < FLOOR_FRAMES, f"{quality.frames} frames", f"at least {FLOOR_FRAMES}"),
        (
            quality.height_px < FLOOR_HEIGHT_PX,
            f"a person of {quality.height_px:.0f} px",
            f"at least {FLOOR_HEIGHT_PX} px",
        ),
        (
            quality.whole_body < FLOOR_WHOLE_BODY,
            f"the whole body in {100 * quality.whole_body:.0f} % of the frames",
            f"at least {100 * FLOOR_WHOLE_BODY:.0f} %",
        ),
    )
    for is_below, found, expected in floors:
        if is_below:
            raise DataError(name, found, expected, QUALITY_HINT)
    return [f"{name}: {mark}, the result is uncertain; {QUALITY_HINT}" for mark in quality.marks]
