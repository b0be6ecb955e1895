"""Skeleton maps of one sequence, from keypoints to gray levels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.maps.fill import Fill, fill_missing
from skelgait.maps.frames import draw_frames
from skelgait.maps.keypoints import as_keypoints
from skelgait.maps.normalize import normalize
from skelgait.maps.unseen import set_unseen_aside


class SkeletonMaps(NamedTuple):
    """The maps of a sequence.

    Attributes:
        maps: (T, 2, size, size) uint8; channel 0 limbs, channel 1 joints.
        n_filled: joints with a coordinate that was filled.
        n_empty: frames whose maps are all 0, as there was no body to draw.
    """

    maps: NDArray[np.uint8]
    n_filled: int
    n_empty: int

    @classmethod
    def of(cls, maps: NDArray[np.uint8], n_filled: int) -> SkeletonMaps:
        """Drawn maps, with the empty ones counted."""
        return cls(maps, n_filled, int((~maps.any(axis=(1, 2, 3))).sum()))


def skeleton_maps(
    poses: NDArray[Any],
    *,
    canvas_px: int = 128,
    sigma_px: float = 8.0,
    use_score: bool = True,
    fill: Fill = "knn",
    align: bool = True,
    offset_px: int = 0,
    size_px: int = 64,
    where: str = "poses",
) -> SkeletonMaps:
    """Skeleton maps of one sequence (SkeletonGait, AAAI 2024, section 3.1).

    Missing coordinates are filled, each frame is normalized, limbs and joints are drawn, and both maps are aligned.

    Args:
        poses: (T, 17 or 18, 3): x px, y px, confidence in [0, 1]; a coordinate of exactly 0 is missing. Or rows (T, 51)
            or (T, 53), the latter with two leading values.
        canvas_px: side of the square that frames are drawn on.
        sigma_px: width of the Gaussians on the canvas.
        use_score: weigh joints and limbs by confidence; otherwise all count 1.
        fill: how missing coordinates are filled, see `fill_missing`; `visible` leaves out joints that no frame has.
        align: crop to the body's rows before resizing.
        offset_px: rows kept above and below the body.
        size_px: side of the maps.
        where: names the sequence in errors.

    Raises:
        ShapeError: `poses` is of another shape.
        DataError: a value is not finite.
    """
    keypoints_xyc, n_filled = filled_keypoints(poses, fill, use_score, where)
    placed, has_height = normalize(keypoints_xyc[..., :2], canvas_px)
    maps = draw_frames(
        placed,
        np.where(has_height[:, None], keypoints_xyc[..., 2], 0),
        canvas_px=canvas_px,
        sigma_px=sigma_px,
        align=align,
        offset_px=offset_px,
        size_px=size_px,
    )
    return SkeletonMaps.of(maps, n_filled)


def filled_keypoints(poses: NDArray[Any], fill: Fill, use_score: bool, where: str) -> tuple[NDArray[np.floating], int]:
    """COCO-17 keypoints (T, 17, 3) that can be drawn, and how many joints had a coordinate filled.

    Arguments and errors as of `skeleton_maps`.
    """
    keypoints_xyc = as_keypoints(poses, where)
    xy = fill_missing(keypoints_xyc[..., :2], fill)
    n_filled = int((xy != keypoints_xyc[..., :2]).any(axis=2).sum())
    confidence = keypoints_xyc[..., 2:] if use_score else np.ones_like(keypoints_xyc[..., 2:])
    filled = np.concatenate([xy, confidence], axis=2)
    return set_unseen_aside(filled) if fill == "visible" else filled, n_filled
