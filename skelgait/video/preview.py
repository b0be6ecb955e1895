"""Preview of a video: its frames with skeletons, and the label of each person."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.poses.posture import is_present
from skelgait.skeletons import COCO_17
from skelgait.storage.atomic import atomic_write
from skelgait.video.reading import Video

_COLORS = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (86, 180, 233), (230, 159, 0))
_LEFT, _RIGHT = (255, 200, 0), (0, 200, 255)
_MIN_CONFIDENCE = 0.3


class DrawnTrack(NamedTuple):
    """Track to draw.

    Attributes:
        label: text above the person: the person number, or a name.
        poses: (17, 3) joints by index of the frame.
    """

    label: str
    poses: Mapping[int, NDArray[Any]]


def draw_people(image: NDArray[np.uint8], people: Mapping[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return a copy of an image with skeletons and labels; joints of the left side are yellow, of the right side blue.

    Args:
        image: (H, W, 3) RGB.
        people: (17, 3) joints by label.
    """
    drawn = image.copy()
    thickness = max(1, round(image.shape[0] / 400))
    for number, (label, joints) in enumerate(people.items()):
        _draw(drawn, label, joints, _COLORS[number % len(_COLORS)], thickness)
    return drawn


def write_preview(path: Path, video: Video, tracks: list[DrawnTrack]) -> None:
    """Write a video with the skeletons of its tracks, atomically, as MP4.

    Args:
        path: file to write, `.mp4`.
        video: opened video.
        tracks: tracks to draw.

    Raises:
        DataError: if the video cannot be read, or the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        file, writer = Path(folder) / "preview.mp4", None
        for frame in video.frames():
            if writer is None:
                size = frame.image.shape[1], frame.image.shape[0]
                writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), video.fps, size)
            people = {track.label: track.poses[frame.index] for track in tracks if frame.index in track.poses}
            writer.write(cv2.cvtColor(draw_people(frame.image, people), cv2.COLOR_RGB2BGR))
        if writer is not None:
            writer.release()
        if not file.is_file():
            raise DataError(path, "no video from OpenCV", "a video file", "install an OpenCV with FFmpeg")
        with atomic_write(path) as partial:
            shutil.copyfile(file, partial)


def _draw(
    image: NDArray[np.uint8], label: str, joints: NDArray[Any], color: tuple[int, int, int], thickness: int
) -> None:
    present = is_present(joints) & (joints[:, 2] >= _MIN_CONFIDENCE)
    points = [(round(float(x)), round(float(y))) for x, y in np.nan_to_num(joints[:, :2])]
    for first, second in COCO_17.limbs:
        ends = COCO_17.index(first), COCO_17.index(second)
        if all(present[end] for end in ends):
            cv2.line(image, points[ends[0]], points[ends[1]], color, 2 * thickness, cv2.LINE_AA)
    for index in np.flatnonzero(present):
        name = COCO_17.joints[index]
        side = _LEFT if name.startswith("left") else _RIGHT if name.startswith("right") else color
        cv2.circle(image, points[index], 2 * thickness, side, -1, cv2.LINE_AA)
    if present.any():
        x, y = (int(joints[present, axis].min()) for axis in (0, 1))
        corner = x, max(y - 10 * thickness, 20 * thickness)
        cv2.putText(image, label, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6 * thickness, color, thickness, cv2.LINE_AA)
