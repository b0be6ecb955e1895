"""Random augmentation of a training sequence, the same for all of its frames and modalities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.sampling.inputs import cut_columns

Frames = NDArray[np.uint8]
_Warp = Callable[[Frames, Frames], Any]
"""Function that warps an image (H, W) into another array of the same size."""


def augment(
    frames: Frames,
    rng: np.random.Generator,
    *,
    perspective: float,
    mirror: float,
    rotation: float,
    rotation_deg: float,
    name: str,
) -> Frames:
    """Change the perspective, cut to 44 columns, mirror and rotate, each with its own probability.

    Args:
        frames: (T, C, 64, 64) or (T, C, 64, 44) uint8.
        rng: random generator.
        perspective: probability of a change of perspective.
        mirror: probability of the mirror image.
        rotation: probability of a rotation.
        rotation_deg: largest rotation in degrees, in both directions.
        name: name of the sequence, for errors.

    Returns:
        (T, C, 64, 44) uint8. Batches stay small until they are on the device.

    Raises:
        ShapeError: if the frames have another size.
    """
    # Always draw all numbers, so that one probability does not affect the other draws.
    chances = rng.random(3)
    corners, degrees = rng.random(4), rng.uniform(-rotation_deg, rotation_deg)
    if chances[0] < perspective:
        frames = change_perspective(frames, corners)
    frames = cut_columns(frames, name)
    if chances[1] < mirror:
        frames = frames[..., ::-1]
    if chances[2] < rotation:
        frames = rotate(frames, degrees)
    return np.ascontiguousarray(frames)


def change_perspective(frames: Frames, corners: NDArray[np.float64]) -> Frames:
    """Map a quadrilateral onto the whole frame.

    Args:
        frames: (T, C, H, W) uint8.
        corners: positions in [0, 1) of the top left, bottom left, top right and bottom right corner of the
            quadrilateral within the outer c columns, c = 10 x (W // 44).

    Returns:
        (T, C, H, W) uint8.
    """
    height, width = frames.shape[2:]
    reach = width // 44 * 10
    top_left, bottom_left, top_right, bottom_right = np.floor(corners * reach)
    right = width - reach
    inside = [(top_left, 0), (right + top_right, 0), (right + bottom_right, height), (bottom_left, height)]
    whole = [(0, 0), (width, 0), (width, height), (0, height)]
    matrix = cv2.getPerspectiveTransform(np.array(inside, np.float32), np.array(whole, np.float32))
    return _warp(frames, lambda image, out: cv2.warpPerspective(image, matrix, (width, height), out))


def rotate(frames: Frames, degrees: float) -> Frames:
    """Rotate (T, C, H, W) uint8 frames about x = H // 2, y = W // 2.

    This is not the center of a frame that is not square, but OpenGait networks were trained with it.
    """
    height, width = frames.shape[2:]
    matrix = cv2.getRotationMatrix2D((height // 2, width // 2), degrees, 1.0)
    return _warp(frames, lambda image, out: cv2.warpAffine(image, matrix, (width, height), out))


def _warp(frames: Frames, warp: _Warp) -> Frames:
    # One channel at a time: OpenCV rounds differently for two or four channels, and three are not faster.
    frames = np.ascontiguousarray(frames)
    warped = np.empty_like(frames)
    for image, out in zip(frames.reshape(-1, *frames.shape[2:]), warped.reshape(-1, *frames.shape[2:]), strict=True):
        warp(image, out)
    return warped
