"""Projection of 3D joints by a camera, and simulation of a pose estimator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Pinhole camera that points horizontally at the walker.

    Attributes:
        view_deg: angle around the walker; 0: front view, 90: view from the left of the walker.
        distance: distance from the walker, m.
        height: height above the floor, m.
        focal_px: focal length, px.
        width_px, height_px: image size.
    """

    view_deg: float
    distance: float = 5.0
    height: float = 1.0
    focal_px: float = 1400.0
    width_px: int = 1920
    height_px: int = 1080

    def project(self, points: Array) -> tuple[Array, Array]:
        """Project points (..., 3) in meters to (..., 2) pixels; return these and the depths (...) in meters."""
        angle = np.deg2rad(self.view_deg)
        to_camera = np.array([np.sin(angle), 0, np.cos(angle)])
        right = np.array([np.cos(angle), 0, -np.sin(angle)])
        depth = self.distance - points @ to_camera
        x = self.width_px / 2 + self.focal_px * (points @ right) / depth
        y = self.height_px / 2 - self.focal_px * (points[..., 1] - self.height) / depth
        return np.stack([x, y], axis=-1), depth


def simulate_detection(
    xy: Array, depth: Array, rng: np.random.Generator, noise_px: float, lost: float
) -> NDArray[np.float32]:
    """Simulate a pose estimator: add noise, confidence and missing joints.

    Args:
        xy: (T, V, 2) true positions, px.
        depth: (T, V) depths, m; joints on the far side get more noise and less confidence.
        rng: random generator.
        noise_px: standard deviation of the position error, px.
        lost: fraction of joints that are missing, in [0, 1].

    Returns:
        (T, V, 3) float32: x px, y px, confidence; a missing joint is (0, 0, 0).
    """
    far = np.clip((depth - depth.mean(axis=1, keepdims=True)) / 0.3, 0, 1)
    detected = xy + rng.normal(0, 1, xy.shape) * noise_px * (1 + far[..., None])
    confidence = np.clip(rng.normal(0.87, 0.06, depth.shape) - 0.15 * far, 0.05, 1.0)
    keypoints = np.concatenate([detected, confidence[..., None]], axis=2)
    keypoints[rng.random(depth.shape) < lost] = 0
    return keypoints.astype(np.float32)
