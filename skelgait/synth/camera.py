"""What a camera sees of joints in space, and what a pose estimator makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at the walker's middle.

    Attributes:
        view_deg: angle round the walker, 0 from the front, 90 from the walker's left.
        distance: from the walker, m.
        height: of the camera and of what it looks at, m.
        focal_px: focal length, pixels.
        width_px, height_px: size of the image.
    """

    view_deg: float
    distance: float = 5.0
    height: float = 1.0
    focal_px: float = 1400.0
    width_px: int = 1920
    height_px: int = 1080

    def project(self, points: Array) -> tuple[Array, Array]:
        """(..., 3) points in meters to (..., 2) pixels and (...) depths in meters."""
        angle = np.deg2rad(self.view_deg)
        to_camera = np.array([np.sin(angle), 0, np.cos(angle)])
        right = np.array([np.cos(angle), 0, -np.sin(angle)])
        depth = self.distance - points @ to_camera
        x = self.width_px / 2 + self.focal_px * (points @ right) / depth
        y = self.height_px / 2 - self.focal_px * (points[..., 1] - self.height) / depth
        return np.stack([x, y], axis=-1), depth


def detect(xy: Array, depth: Array, rng: np.random.Generator, noise_px: float, lost: float) -> NDArray[np.float32]:
    """Keypoints as an estimator finds them, (T, V, 3) float32: x px, y px, confidence.

    Args:
        xy: (T, V, 2) true positions, pixels.
        depth: (T, V) depths, m; joints on the far side are found less surely, and less exactly.
        rng: the source of the draws.
        noise_px: standard deviation of the error, pixels.
        lost: share of joints that are not found at all, and are 0, 0, 0.
    """
    far = np.clip((depth - depth.mean(axis=1, keepdims=True)) / 0.3, 0, 1)
    found = xy + rng.normal(0, 1, xy.shape) * noise_px * (1 + far[..., None])
    confidence = np.clip(rng.normal(0.87, 0.06, depth.shape) - 0.15 * far, 0.05, 1.0)
    keypoints = np.concatenate([found, confidence[..., None]], axis=2)
    keypoints[rng.random(depth.shape) < lost] = 0
    return keypoints.astype(np.float32)
