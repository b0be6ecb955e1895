"""Skeleton maps of one sequence, from poses to images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skelgait.maps.fill import Fill, fill_missing
from skelgait.maps.frames import draw_frames
from skelgait.maps.keypoints import as_keypoints, check_confidences
from skelgait.maps.normalize import normalize
from skelgait.maps.unseen import place_unseen_joints


class SkeletonMaps(NamedTuple):
    """Skeleton maps of one sequence.

    Attributes:
        maps: (T, 2, size, size) uint8 in [0, 255]; channel 0 limbs, channel 1 joints.
        n_filled: number of joints, over all frames, with a filled coordinate.
        n_empty: number of frames with empty (all 0) maps, because there is no body to draw.
    """

    maps: NDArray[np.uint8]
    n_filled: int
    n_empty: int

    @classmethod
    def from_maps(cls, maps: NDArray[np.uint8], n_filled: int) -> SkeletonMaps:
        """Create the result from drawn maps; count the empty ones."""
        return cls(maps, n_filled, int((~maps.any(axis=(1, 2, 3))).sum()))


def skeleton_maps(
    poses: ArrayLike,
    *,
    canvas_px: int = 128,
    sigma_px: float = 8.0,
    use_score: bool = True,
    fill: Fill = "knn",
    align: bool = True,
    offset_px: int = 0,
    size_px: int = 64,
    name: str = "poses",
) -> SkeletonMaps:
    """Draw the skeleton maps of one sequence (SkeletonGait, AAAI 2024, section 3.1).

    The steps are: fill missing coordinates, normalize each frame, draw limbs and joints, crop and resize each channel.

    Args:
        poses: array, nested list or CPU tensor, (T, V, 3) joints of a known skeleton, for example COCO-17: x px, y px,
            confidence in [0, 1]; a coordinate of exactly 0 is missing. Or rows (T, 51) of 17 joints, or rows (T, 53)
            as in GREW, with two leading values.
        canvas_px: side of the square canvas that each frame is drawn on.
        sigma_px: standard deviation of the Gaussians on the canvas.
        use_score: True: multiply joints and limbs by their confidence; False: use 1.
        fill: how to fill missing coordinates: "knn", "visible", "mean" or "none", see `fill_missing`. "visible" also
            omits joints that are missing in every frame.
        align: crop to the rows of the body before resizing.
        offset_px: rows to keep above and below the body.
        size_px: side of the maps.
        name: name of the sequence in error messages.

    Returns:
        The maps, (T, 2, size, size) uint8, and counts of filled joints and empty maps.

    Raises:
        ShapeError: if `poses` has another shape.
        DataError: if a value is not finite, a coordinate is beyond a million pixels, a confidence is far outside [0, 1]
            (with `use_score`), or the array is masked.
    """
    keypoints_xyc, n_filled = prepare_keypoints(poses, fill, use_score, name)
    xy, has_height = normalize(keypoints_xyc[..., :2], canvas_px)
    maps = draw_frames(
        xy,
        np.where(has_height[:, None], keypoints_xyc[..., 2], 0),
        canvas_px=canvas_px,
        sigma_px=sigma_px,
        align=align,
        offset_px=offset_px,
        size_px=size_px,
    )
    return SkeletonMaps.from_maps(maps, n_filled)


def prepare_keypoints(poses: ArrayLike, fill: Fill, use_score: bool, name: str) -> tuple[NDArray[np.floating], int]:
    """Return COCO-17 keypoints (T, 17, 3) with missing coordinates filled, and the number of filled joints.

    Arguments and errors are those of `skeleton_maps`.
    """
    keypoints_xyc = as_keypoints(poses, name)
    if use_score:
        check_confidences(keypoints_xyc, name)
    xy = fill_missing(keypoints_xyc[..., :2], fill)
    n_filled = int((xy != keypoints_xyc[..., :2]).any(axis=2).sum())
    confidence = keypoints_xyc[..., 2:] if use_score else np.ones_like(keypoints_xyc[..., 2:])
    filled = np.concatenate([xy, confidence], axis=2)
    return place_unseen_joints(filled) if fill == "visible" else filled, n_filled
