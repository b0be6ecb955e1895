"""Alignment of single silhouettes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from skelgait.preprocess.align import align_silhouette
from tests.preprocess.plain_align import plain_alignment
from tests.raw.silhouettes.png_trees import blobs


def canvas(height: int, width: int, *boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """Draw boxes (top, left, bottom, right) of 255; bottom and right are excluded."""
    image = np.zeros((height, width), np.uint8)
    for top, left, bottom, right in boxes:
        image[top:bottom, left:right] = 255
    return image


def dots(total: int) -> NDArray[np.uint8]:
    """Return an image whose pixels have the sum `total`."""
    image = np.zeros((50, 50), np.uint8)
    image.flat[: total // 100] = 100
    image[-1, -1] = total % 100
    return image


EDGES = {
    "in the middle": canvas(100, 100, (10, 40, 90, 60)),
    "at the left edge": canvas(100, 100, (10, 0, 90, 5)),
    "at the right edge": canvas(100, 100, (10, 95, 90, 100)),
    "the whole image": canvas(100, 100, (0, 0, 100, 100)),
    "a row": canvas(100, 200, (50, 20, 51, 120)),
    "a row of one pixel's height": canvas(1, 200, (0, 20, 1, 120)),
    "a column": canvas(200, 100, (10, 30, 190, 31)),
    "a column in a column": canvas(200, 1, (10, 0, 190, 1)),  # less than a column wide when resized
    "wider than the square": canvas(40, 400, (5, 10, 35, 390)),
    "two apart": canvas(100, 600, (10, 5, 90, 25), (10, 575, 90, 595)),
    "two alike about a gap": canvas(64, 400, (0, 100, 64, 110), (0, 290, 64, 300)),  # half is not more than half
    "with a gap between its rows": canvas(100, 60, (5, 20, 30, 40), (70, 20, 90, 40)),
    "enlarged": canvas(20, 30, (5, 10, 15, 20)),
}


@pytest.mark.parametrize(
    ("image", "is_empty"),
    [
        (np.zeros((240, 320), np.uint8), True),
        (dots(10_000), True),
        (dots(10_001), False),
        (np.zeros((0, 5), np.uint8), True),
        (np.zeros((5, 0), np.uint8), True),
        (canvas(1000, 400, (0, 0, 1, 400), (999, 0, 1000, 400)), True),  # too thin for any row of the square
    ],
)
def test_empty_images_give_none(image: NDArray[np.uint8], is_empty: bool) -> None:
    assert (align_silhouette(image) is None) == is_empty


@pytest.mark.parametrize("size_px", [16, 64, 100, 128])
@pytest.mark.parametrize("name", EDGES)
def test_result_equals_plain_loops(name: str, size_px: int) -> None:
    aligned = align_silhouette(EDGES[name], size_px)
    assert aligned is not None
    assert aligned.dtype == np.uint8
    np.testing.assert_array_equal(aligned, plain_alignment(EDGES[name], size_px))


@pytest.mark.parametrize("size_hw", [(240, 320), (320, 180), (64, 64), (37, 211)])
def test_result_equals_plain_loops_on_walkers_and_noise(size_hw: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    noise = [(rng.random(size_hw) < share) * rng.integers(1, 256, size_hw) for share in (0.05, 0.5)]
    for image in [*blobs(1, 5, size_hw), *(image.astype(np.uint8) for image in noise)]:
        np.testing.assert_array_equal(align_silhouette(image), plain_alignment(image))


def test_median_column_is_centered() -> None:
    aligned = align_silhouette(canvas(64, 300, (0, 200, 64, 221)))
    assert aligned is not None
    filled = aligned.any(axis=0).nonzero()[0]
    assert (filled[0] + filled[-1]) / 2 == 32
    assert aligned.all(axis=1).sum() == 0


@pytest.mark.parametrize("size_px", [1, 3, 63])
@pytest.mark.parametrize("name", EDGES)
def test_odd_sizes_give_squares(name: str, size_px: int) -> None:
    aligned = align_silhouette(EDGES[name], size_px)
    assert aligned is None or aligned.shape == (size_px, size_px)
    if size_px == 63:
        assert aligned is not None
        assert aligned.any()


def test_input_may_be_a_view_and_is_not_changed() -> None:
    image = blobs(0, 1)[0]
    whole = np.zeros((300, 400), np.uint8)
    view = whole[20:260:2, 30:350:2]
    view[:] = image
    before = image.copy()
    np.testing.assert_array_equal(align_silhouette(view), align_silhouette(image))
    np.testing.assert_array_equal(image, before)


def test_resized_body_fills_all_rows() -> None:
    for image in blobs(3, 6):
        aligned = align_silhouette(image)
        assert aligned is not None
        assert aligned[[0, -1]].any(axis=1).all()
        height = np.ptp(image.any(axis=1).nonzero()[0]) + 1
        area = cv2.countNonZero(image) * (64 / height) ** 2
        assert (aligned / 255).sum() == pytest.approx(area, rel=0.05)
