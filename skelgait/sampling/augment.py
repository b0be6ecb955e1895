"""Random changes of a training sequence: one draw, and all its frames and modalities change alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.sampling.inputs import cut_columns

Frames = NDArray[np.uint8]
_Warp = Callable[[Frames, Frames], Any]
"""Warps an image (H, W) into another array of that size."""


def augment(
    frames: Frames,
    rng: np.random.Generator,
    *,
    perspective: float,
    mirror: float,
    rotation: float,
    rotation_deg: float,
    where: str,
) -> Frames:
    """Perspective, cut to 44 columns, mirror, rotation, each with its own probability.

    Gray levels stay uint8, so that a batch is small until it is on the device.

    Args:
        frames: (T, C, 64, 64) or (T, C, 64, 44) uint8.
        rng: the source of the draws.
        perspective: probability of another perspective.
        mirror: probability of the mirror image.
        rotation: probability of a rotation.
        rotation_deg: largest rotation, either way, in degrees.
        where: names the sequence in errors.

    Returns:
        (T, C, 64, 44) uint8.

    Raises:
        ShapeError: the frames are of another size.
    """
    # All draws are made each time, so that a probability changes no other draw.
    chances = rng.random(3)
    corners, degrees = rng.random(4), rng.uniform(-rotation_deg, rotation_deg)
    if chances[0] < perspective:
        frames = change_perspective(frames, corners)
    frames = cut_columns(frames, where)
    if chances[1] < mirror:
        frames = frames[..., ::-1]
    if chances[2] < rotation:
        frames = rotate(frames, degrees)
    return np.ascontiguousarray(frames)


def change_perspective(frames: Frames, corners: NDArray[np.float64]) -> Frames:
    """Map a quadrilateral onto the whole frame.

    Args:
        frames: (T, C, H, W) uint8.
        corners: four numbers in [0, 1): where the top left, bottom left, top right and bottom right ends of the
            quadrilateral's sides lie, in the outer c columns, c = 10 x (W // 44).

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

    That is not the middle of a frame that is not square; OpenGait networks were trained with it.
    """
    height, width = frames.shape[2:]
    matrix = cv2.getRotationMatrix2D((height // 2, width // 2), degrees, 1.0)
    return _warp(frames, lambda image, out: cv2.warpAffine(image, matrix, (width, height), out))


def _warp(frames: Frames, warp: _Warp) -> Frames:
    # An image at a time: of two or four channels at once OpenCV rounds differently, and with three it is no faster.
    frames = np.ascontiguousarray(frames)
    warped = np.empty_like(frames)
    for image, out in zip(frames.reshape(-1, *frames.shape[2:]), warped.reshape(-1, *frames.shape[2:]), strict=True):
        warp(image, out)
    return warped
