"""Drawing kernels, compared with plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.maps.frames import draw_frames
from tests.maps import reference


def frame(seed: int, low: float = 10, high: float = 50) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(low, high, (1, 17, 2)), rng.uniform(0, 1, (1, 17))


def draw(xy: np.ndarray, confidence: np.ndarray, canvas_px: int, sigma_px: float) -> np.ndarray:
    """Return gray levels (T, 2, canvas, canvas), neither cropped nor resized."""
    options = {"align": False, "offset_px": 0, "size_px": canvas_px}
    return draw_frames(xy, confidence, canvas_px=canvas_px, sigma_px=sigma_px, **options)


def test_zero_frames_give_empty_array() -> None:
    assert draw(np.zeros((0, 17, 2)), np.zeros((0, 17)), 64, 4.0).shape == (0, 2, 64, 64)


@pytest.mark.parametrize(
    ("seed", "low", "high", "sigma"),
    [
        (0, 10, 50, 4.0),
        (1, 10, 50, 2.0),
        (2, -60, 120, 4.0),  # mostly outside the canvas
        (3, -400, -300, 4.0),  # outside the canvas
        (4, 30, 31, 4.0),  # limbs shorter than a pixel
        (5, 10, 50, 9.5),
        (6, -1e20, 1e20, 4.0),  # too large for integers
    ],
)
def test_drawing_agrees_with_plain_loops(seed: int, low: float, high: float, sigma: float) -> None:
    xy, confidence = frame(seed, low, high)
    drawn = draw(xy, confidence, 64, sigma)[0].astype(int)
    expected = reference.draw(xy[0], confidence[0], 64, sigma).astype(int)
    assert np.abs(drawn - expected).max() <= 1
    assert (drawn == expected).mean() > 0.9999


@pytest.mark.parametrize(
    ("confidence", "level"),
    [(-1.0, 0), (0.0, 0), (9e-4, 0), (0.5, 128), (1.0, 255), (7.0, 255), (33.5 / 256, 32)],  # 33 is one lower
)
def test_gray_level_by_confidence(confidence: float, level: int) -> None:
    xy = np.full((1, 17, 2), 32.0)
    assert draw(xy, np.full((1, 17), confidence), 64, 4.0)[0, :, 32, 32].tolist() == [level, level]


def test_every_gray_level_is_exact() -> None:
    # The pixel at a joint with confidence c has level int(256 c).
    values = (np.arange(1, 256) + 0.5) / 256
    xy = np.full((255, 17, 2), 32.0)
    levels = draw(xy, np.repeat(values[:, None], 17, axis=1), 64, 4.0)[:, 1, 32, 32]
    assert levels.tolist() == [k - (k in reference.ONE_LOWER) for k in range(1, 256)]
