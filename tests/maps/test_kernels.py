"""Cropping and resizing, compared with OpenCV."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelgait.maps.kernels import STRIP, crop_limits, resize
from skelgait.maps.resize_weights import resize_weights

BLACK = np.zeros((128, 128), np.uint8)


def resized(levels: np.ndarray, crop: tuple[int, int, int, int], size: int) -> np.ndarray:
    """Crop and resize square gray levels with the kernels."""
    canvas = len(levels)
    n_strips = -(-canvas // STRIP)
    rows = np.zeros((n_strips * STRIP, canvas))
    rows[:canvas] = levels / 255.0
    strips = np.ascontiguousarray(rows.reshape(n_strips, STRIP, canvas).transpose(0, 2, 1))
    lit = [np.flatnonzero(strip.any(axis=1)) for strip in strips]
    reaches = np.array([[columns[0], columns[-1] + 1] if len(columns) else [0, 0] for columns in lit])
    target = np.full((size, size), 99, np.uint8)
    resize(target, strips, reaches, crop, resize_weights(canvas, size), np.zeros(n_strips * STRIP))
    return target


def opencv_resized(levels: np.ndarray, crop: tuple[int, int, int, int], size: int) -> np.ndarray:
    top, bottom, left, right = crop
    image = levels[top:bottom, left:right] / 255.0
    return (cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) * 255).astype(np.uint8)


def patches(canvas: int, seed: int) -> np.ndarray:
    """Create gray levels with constant areas, for which rounding matters most."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 4, (canvas // 4 + 1, canvas // 4 + 1)) * rng.integers(0, 86)
    levels[: rng.integers(0, 9)] = 0
    return np.kron(levels, np.ones((4, 4)))[:canvas, :canvas].astype(np.uint8)


def test_black_image_has_no_crop_and_stays_black() -> None:
    assert crop_limits(np.zeros(128), 128, True, 0) == (0, 0, 0, 0)
    assert not resized(BLACK, (10, 90, 20, 90), 64).any()


@settings(max_examples=150, deadline=None)
@given(
    canvas=st.sampled_from([128, 200]), size=st.sampled_from([64, 43, 32]), seed=st.integers(0, 9999), data=st.data()
)
def test_shrinking_is_bit_identical_to_opencv(canvas: int, size: int, seed: int, data: st.DataObject) -> None:
    lengths = st.sampled_from([size, 2 * size, canvas]) | st.integers(size, canvas)
    height, width = data.draw(lengths), data.draw(lengths)
    top, left = data.draw(st.integers(0, canvas - height)), data.draw(st.integers(0, canvas - width))
    levels, crop = patches(canvas, data.draw(st.integers(0, 9999))), (top, top + height, left, left + width)
    np.testing.assert_array_equal(resized(levels, crop, size), opencv_resized(levels, crop, size))


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 63), width=st.integers(1, 128), seed=st.integers(0, 9999))
def test_enlarging_equals_opencv_within_one_level(height: int, width: int, seed: int) -> None:
    levels, crop = patches(128, seed), (20, 20 + height, 0, width)
    difference = np.abs(resized(levels, crop, 64).astype(int) - opencv_resized(levels, crop, 64))
    assert difference.max() <= 1
    assert (difference == 0).mean() > 0.97


@pytest.mark.parametrize("offset", [0, 5, 500])
def test_offset_is_limited_by_the_canvas(offset: int) -> None:
    brightest = np.zeros(128)
    brightest[40:80] = 0.5
    top, bottom = max(40 - offset, 0), min(79 + offset, 127)
    half = (bottom - top + 1) // 2
    expected = (top, bottom + 1, max(64 - half, 0), min(64 + half + 1, 128))
    assert crop_limits(brightest, 128, True, offset) == expected


def test_crop_is_the_canvas_without_alignment() -> None:
    assert crop_limits(np.ones(128), 128, False, 3) == (0, 128, 0, 128)
