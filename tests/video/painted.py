"""Painted videos: each person is an upright rectangle of one color, and an estimator that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from skelgait.video.estimator import Person, person_box

RED, GREEN, BLUE = range(3)
SIZE = 320, 240
BODY = 30, 100
# Joints in widths and heights of the rectangle, from head to feet.
TEMPLATE = np.array(
    [
        (0.5, 0.08),
        (0.6, 0.05),
        (0.4, 0.05),
        (0.7, 0.08),
        (0.3, 0.08),
        (0.9, 0.25),
        (0.1, 0.25),
        (0.9, 0.4),
        (0.1, 0.4),
        (0.9, 0.5),
        (0.1, 0.5),
        (0.7, 0.55),
        (0.3, 0.55),
        (0.7, 0.75),
        (0.3, 0.75),
        (0.7, 0.97),
        (0.3, 0.97),
    ]
)


def paint(people: Mapping[int, tuple[int, int]], size: tuple[int, int] = SIZE) -> np.ndarray:
    """Return an RGB image with people at (left, top), by color."""
    image = np.full((size[1], size[0], 3), 20, np.uint8)
    for color, (left, top) in people.items():
        image[top : top + BODY[1], max(left, 0) : max(left + BODY[0], 0)] = np.eye(3)[color] * 230
    return image


def walks(n_frames: int, n_people: int = 2) -> list[np.ndarray]:
    """Return the frames of people who walk to the right, one behind the other."""
    starts = {RED: (10, 40), GREEN: (130, 100), BLUE: (70, 10)}
    people = {color: starts[color] for color in range(n_people)}
    return [paint({color: (x + 2 * t, y) for color, (x, y) in people.items()}) for t in range(n_frames)]


def write_video(path: Path, frames: list[np.ndarray], fps: float = 30.0) -> Path:
    """Write a video with OpenCV and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


def make_uneven(path: Path) -> None:
    """Change the times of an MP4 file by OpenCV: the first half of the frames is three times as fast as the second."""
    content = bytearray(path.read_bytes())
    at = content.index(b"stts") + 8
    count, n_frames, step = (int.from_bytes(content[at + 4 * n : at + 4 * n + 4], "big") for n in range(3))
    assert count == 1
    values = 2, n_frames // 2, step // 2, n_frames - n_frames // 2, step + step // 2
    content[at : at + 12] = b"".join(value.to_bytes(4, "big") for value in values)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"):
        start = content.index(box, content.index(b"moov")) - 4
        content[start : start + 4] = (int.from_bytes(content[start : start + 4], "big") + 8).to_bytes(4, "big")
    path.write_bytes(content)


class PaintedEstimator:
    """Estimator that finds one person of each color, with a mask."""

    def __call__(self, image: np.ndarray, time_s: float, /) -> list[Person]:
        """See `PoseEstimator`."""
        return [person for color in range(3) if (person := self._find(image, color)) is not None]

    def _find(self, image: np.ndarray, color: int) -> Person | None:
        mask = (image[..., color] > 128) & (image[..., color - 1] < 128) & (image[..., color - 2] < 128)
        if mask.sum() < 500:
            return None
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        low = np.array([columns[0], rows[0]])
        span = np.array([columns[-1] + 1, rows[-1] + 1]) - low
        joints = np.concatenate([low + TEMPLATE * span, np.full((17, 1), 0.9)], axis=1).astype(np.float32)
        box = person_box(joints, image.shape[1], image.shape[0])
        return Person(
            joints, box, 0.9, np.where(mask, 255, 0).astype(np.uint8)[box.top : box.bottom, box.left : box.right]
        )

    def close(self) -> None:
        """See `PoseEstimator`."""
