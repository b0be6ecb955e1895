"""Distribution of augmentations, and images compared with a plain implementation."""

from __future__ import annotations

from itertools import combinations, product
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from skelgait.runtime.rng import rng_for
from skelgait.sampling import augment as module
from skelgait.sampling.augment import augment, change_perspective, rotate
from tests.sampling.plain_augment import plain_perspective, plain_rotation

SEEDS = 4000
UNLIKELY = 1e-4  # seeds are fixed, so a test that passes once always passes
ALWAYS = {"perspective": 1.0, "mirror": 1.0, "rotation": 1.0, "rotation_deg": 10.0, "name": "x"}
CCPG = {**ALWAYS, "perspective": 0.2, "mirror": 0.2, "rotation": 0.2}


def frames(width: int = 64) -> NDArray[np.uint8]:
    """Return (2, 3, 64, width) frames: two smooth maps and a sharp silhouette, none of them symmetric."""
    y, x = np.mgrid[:64, :64]
    drawn = []
    for shift in (0, 3):
        limbs = np.exp(-((x - 22 - shift) ** 2 / 40 + (y - 20) ** 2 / 300))
        joints = 0.8 * np.exp(-((x - 40) ** 2 + (y - 45 + shift) ** 2) / 30)
        silhouette = ((x - 30 - shift) / 12) ** 2 + ((y - 32) / 30) ** 2 < 1
        drawn.append([limbs, np.maximum(joints, limbs / 2), silhouette])
    margin = (64 - width) // 2
    return (255 * np.array(drawn)).astype(np.uint8)[..., margin : 64 - margin]


class Draws:
    """Draws for each sequence; None if it was not changed."""

    def __init__(self) -> None:
        self.corners: list[Any] = []
        self.degrees: list[Any] = []
        self.mirrored: list[bool] = []


@pytest.fixture
def draws(monkeypatch: pytest.MonkeyPatch) -> Draws:
    """Return the draws for many sequences with the probabilities of CCPG; images are not warped."""
    draws, image = Draws(), frames()[:1, :1]

    def record_corners(frames_: NDArray[np.uint8], corners: Any) -> NDArray[np.uint8]:
        draws.corners[-1] = corners
        return frames_

    def record_degrees(frames_: NDArray[np.uint8], degrees: float) -> NDArray[np.uint8]:
        draws.degrees[-1] = degrees
        return frames_

    monkeypatch.setattr(module, "change_perspective", record_corners)
    monkeypatch.setattr(module, "rotate", record_degrees)
    for seed in range(SEEDS):
        draws.corners.append(None)
        draws.degrees.append(None)
        out = augment(image, rng_for(3, seed // 16, seed % 16), **CCPG)  # type: ignore[arg-type]
        draws.mirrored.append(bool((out == image[..., 10:54][..., ::-1]).all()))
        assert draws.mirrored[-1] or (out == image[..., 10:54]).all()
    return draws


class TestDistribution:
    def test_each_change_has_its_probability(self, draws: Draws) -> None:
        for happened in (
            [c is not None for c in draws.corners],
            draws.mirrored,
            [d is not None for d in draws.degrees],
        ):
            assert stats.binomtest(sum(happened), SEEDS, 0.2).pvalue > UNLIKELY

    def test_changes_are_independent(self, draws: Draws) -> None:
        changed = ([c is not None for c in draws.corners], draws.mirrored, [d is not None for d in draws.degrees])
        cases = list(zip(*changed, strict=True))
        kinds = list(product((False, True), repeat=3))
        expected = [SEEDS * 0.2 ** sum(kind) * 0.8 ** (3 - sum(kind)) for kind in kinds]
        assert stats.chisquare([cases.count(kind) for kind in kinds], expected).pvalue > UNLIKELY

    def test_angles_are_uniform(self, draws: Draws) -> None:
        degrees = [angle for angle in draws.degrees if angle is not None]
        assert stats.kstest(degrees, stats.uniform(-10, 20).cdf).pvalue > UNLIKELY

    @pytest.mark.parametrize("largest", [0.0, 3.0, 90.0])
    def test_angles_reach_the_limit(self, largest: float, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: list[float] = []
        monkeypatch.setattr(module, "rotate", lambda image, degrees: (drawn.append(degrees), image)[1])
        for seed in range(300):
            augment(frames(), rng_for(seed), **{**ALWAYS, "rotation_deg": largest})  # type: ignore[arg-type]
        assert max(map(abs, drawn)) <= largest
        assert max(drawn) >= 0.98 * largest
        assert min(drawn) <= -0.98 * largest

    @pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 200)])
    def test_probabilities_zero_and_one(self, share: float, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[str] = []
        for name in ("change_perspective", "rotate"):
            monkeypatch.setattr(module, name, lambda image, _, name=name: (calls.append(name), image)[1])
        image = frames()
        for seed in range(200):
            options = {**ALWAYS, "perspective": share, "mirror": share, "rotation": share}
            out = augment(image, rng_for(seed), **options)  # type: ignore[arg-type]
            np.testing.assert_array_equal(out, image[..., 10:54][..., :: -1 if share else 1])
        assert (calls.count("change_perspective"), calls.count("rotate")) == (expected, expected)


def quadrilaterals(width: int, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.float32]:
    """Return the quadrilaterals that are mapped onto frames of `width`, (SEEDS, 4, 2)."""
    corners_of_seeds = []
    solve = cv2.getPerspectiveTransform

    def record(inside: NDArray[np.float32], whole: NDArray[np.float32]) -> Any:
        np.testing.assert_array_equal(whole, [(0, 0), (width, 0), (width, 64), (0, 64)])
        corners_of_seeds.append(inside)
        return solve(inside, whole)

    monkeypatch.setattr(cv2, "getPerspectiveTransform", record)
    image = frames(width)[:1, :1]
    for seed in range(SEEDS):
        augment(image, rng_for(5, seed), **{**ALWAYS, "rotation": 0.0})  # type: ignore[arg-type]
    return np.array(corners_of_seeds)


class TestCorners:
    @pytest.mark.parametrize("width", [64, 44])
    def test_corners_are_uniform_and_independent(self, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
        c = int(width // 44) * 10
        x, y = np.moveaxis(quadrilaterals(width, monkeypatch), 2, 0)
        np.testing.assert_array_equal(y, np.broadcast_to([0, 0, 64, 64], (SEEDS, 4)))
        # Each offset from the left end of its interval is one of 0 to c - 1.
        offsets = (x - np.array([0, width - c, width - c, 0])).astype(int)
        np.testing.assert_array_equal(offsets, x - np.array([0, width - c, width - c, 0]))  # whole numbers
        assert (offsets.min(), offsets.max()) == (0, c - 1)
        for corner in offsets.T:
            assert stats.chisquare(np.bincount(corner, minlength=c)).pvalue > UNLIKELY
        for first, second in combinations(offsets.T, 2):
            assert stats.chisquare(np.bincount(first * c + second, minlength=c * c)).pvalue > UNLIKELY

    @pytest.mark.parametrize(("width", "c"), [(44, 10), (64, 10), (87, 10), (88, 20), (128, 20)])
    def test_intervals_grow_with_the_width(self, width: int, c: int, monkeypatch: pytest.MonkeyPatch) -> None:
        inside = []
        solve = cv2.getPerspectiveTransform
        monkeypatch.setattr(cv2, "getPerspectiveTransform", lambda a, b: (inside.append(a), solve(a, b))[1])
        for corners in (np.zeros(4), np.full(4, np.nextafter(1, 0))):
            change_perspective(np.zeros((1, 1, 64, width), np.uint8), corners)
        np.testing.assert_array_equal(inside[0][:, 0], [0, width - c, width - c, 0])
        np.testing.assert_array_equal(inside[1][:, 0], [c - 1, width - 1, width - 1, c - 1])


def test_all_frames_of_a_sequence_get_the_same_draw() -> None:
    image = frames()[0, 0]
    same = np.broadcast_to(image, (4, 3, 64, 64))
    for seed in range(200):
        out = augment(same, rng_for(seed), **{**CCPG, "perspective": 0.5, "rotation": 0.5})  # type: ignore[arg-type]
        np.testing.assert_array_equal(out, np.broadcast_to(out[0, 0], out.shape))


class TestImages:
    """Gray levels, compared with exact arithmetic.

    OpenCV 5 differs by 0.5, the rounding to whole levels. Earlier versions also round the source position to 1/32. This
    gives up to 1.6 levels in maps and 5.4 at the edge of a silhouette.
    """

    @staticmethod
    def check(out: NDArray[np.uint8], expected: list[list[NDArray[np.float64]]], warps: int = 1) -> None:
        difference = np.abs(out - 255 * np.array(expected))
        assert difference[:, :2].max() < 2 * warps
        assert difference[:, 2].max() < 8 * warps
        assert difference.mean() < 0.25 * warps

    @pytest.mark.parametrize("width", [64, 44])
    @pytest.mark.parametrize("corners", [(0.0, 0.0, 0.99, 0.99), (0.99, 0.05, 0.31, 0.72), (0.5, 0.5, 0.5, 0.5)])
    def test_perspective_equals_plain_version(self, width: int, corners: tuple[float, ...]) -> None:
        images = frames(width)
        ends = np.floor(10 * np.array(corners)) + np.array([0, 0, width - 10, width - 10])
        expected = [[plain_perspective(image / 255, ends) for image in frame] for frame in images]
        self.check(change_perspective(images, np.array(corners)), expected)

    @pytest.mark.parametrize("degrees", [-10.0, -0.5, 0.0, 7.3])
    def test_rotation_equals_plain_version(self, degrees: float) -> None:
        images = frames(44)
        expected = [[plain_rotation(image / 255, degrees) for image in frame] for frame in images]
        self.check(rotate(images, degrees), expected)

    @pytest.mark.parametrize("width", [64, 44])
    def test_order_is_perspective_cut_mirror_rotation(self, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
        drawn: dict[str, Any] = {}
        for name in ("change_perspective", "rotate"):
            warp = getattr(module, name)
            monkeypatch.setattr(
                module, name, lambda image, how, n=name, w=warp: (drawn.update({n: how}), w(image, how))[1]
            )
        images = frames(width)
        out = augment(images, rng_for(8), **ALWAYS)  # type: ignore[arg-type]
        ends = np.floor(10 * drawn["change_perspective"]) + np.array([0, 0, width - 10, width - 10])
        margin = (width - 44) // 2
        expected = []
        for frame in images:
            turned = [plain_perspective(image / 255, ends)[:, margin : margin + 44][:, ::-1] for image in frame]
            expected.append([plain_rotation(image, drawn["rotate"]) for image in turned])
        self.check(out, expected, warps=2)
        assert out.dtype == np.uint8
        assert out.flags.c_contiguous
