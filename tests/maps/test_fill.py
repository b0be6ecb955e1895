"""Filling of missing coordinates, compared with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import KNNImputer

from skelgait.maps.fill import Fill, fill_missing


def coordinates(seed: int, frames: int, lost: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xy = rng.uniform(100, 500, (frames, 17, 2)) + rng.uniform(0, 30, (frames, 1, 1))
    xy[rng.random(xy.shape) < lost] = 0
    return xy


def test_complete_sequence_is_returned_unchanged() -> None:
    for xy in (np.zeros((0, 17, 2)), coordinates(0, 5, 0)):
        assert fill_missing(xy, "knn") is xy
        assert fill_missing(xy, "visible") is xy


@pytest.mark.parametrize("method", ["knn", "visible", "mean", "none"])
def test_all_missing_stays_missing(method: Fill) -> None:
    np.testing.assert_array_equal(fill_missing(np.zeros((4, 17, 2)), method), np.zeros((4, 17, 2)))


def test_method_none_returns_input() -> None:
    xy = coordinates(0, 9, 0.2)
    assert fill_missing(xy, "none") is xy


def scattered(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.random(shape) < rng.choice([0.02, 0.2, 0.6, 0.95])


def whole_frames(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(rng.random(shape[0])[:, None, None] < 0.4, shape)


def whole_joints(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(rng.random(shape[:2])[..., None] < 0.3, shape)


def one_axis(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return (rng.random(shape) < 0.5) * np.array([1, 0]) == 1


def all_but_one_frame(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    lost = rng.random(shape) < 0.5
    lost[:, :3] = True
    lost[rng.integers(shape[0])] = False
    return lost


def halves(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Remove the upper or the lower body of each frame, so that some frames share no joint."""
    upper = rng.random(shape[0]) < 0.5
    return np.broadcast_to(((np.arange(shape[1]) < 11) == upper[:, None])[..., None], shape)


PATTERNS = (scattered, whole_frames, whole_joints, one_axis, all_but_one_frame, halves)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 40), pattern=st.sampled_from(PATTERNS))
def test_knn_equals_scikit_learn(seed: int, frames: int, pattern: Callable[..., np.ndarray]) -> None:
    xy = coordinates(seed, frames, 0)
    xy[pattern(np.random.default_rng(seed), xy.shape)] = 0
    filled = fill_missing(xy, "knn")
    if (xy == 0).all(axis=0).any():
        np.testing.assert_array_equal(filled, xy)
        return
    imputer = KNNImputer(missing_values=0.0, n_neighbors=4, weights="distance")
    expected = imputer.fit_transform(xy.reshape(frames, -1)).reshape(xy.shape)
    np.testing.assert_allclose(filled, expected, rtol=0, atol=1e-6)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 40), pattern=st.sampled_from(PATTERNS))
def test_visible_equals_scikit_learn_on_seen_coordinates(
    seed: int, frames: int, pattern: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(seed)
    xy = coordinates(seed, frames, 0)
    xy[pattern(rng, xy.shape)] = 0
    xy[:, rng.random(xy.shape[1:]) < rng.choice([0, 0.1, 0.7])] = 0
    filled = fill_missing(xy, "visible")
    is_seen = xy.any(axis=0)
    assert not filled[:, ~is_seen].any()
    if is_seen.any():
        imputer = KNNImputer(missing_values=0.0, n_neighbors=4, weights="distance")
        np.testing.assert_allclose(filled[:, is_seen], imputer.fit_transform(xy[:, is_seen]), rtol=0, atol=1e-6)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 40), pattern=st.sampled_from(PATTERNS))
def test_visible_is_bit_identical_to_knn_if_every_coordinate_is_seen(
    seed: int, frames: int, pattern: Callable[..., np.ndarray]
) -> None:
    rng = np.random.default_rng(seed)
    complete = coordinates(seed, frames, 0).astype(rng.choice([np.float32, np.float64]))
    xy = complete.copy()
    xy[pattern(rng, xy.shape)] = 0
    xy[0] = np.where(xy.any(axis=0), xy[0], complete[0])
    assert fill_missing(xy, "visible").tobytes() == fill_missing(xy, "knn").tobytes()


def test_frame_at_distance_0_is_used_alone() -> None:
    xy = coordinates(1, 8, 0)
    xy[5] = xy[2]
    lost = xy.copy()
    lost[2, 9] = 0
    np.testing.assert_allclose(fill_missing(lost, "knn"), xy, rtol=0, atol=1e-9)


def test_mean_uses_frames_with_the_coordinate() -> None:
    xy = coordinates(2, 6, 0.3)
    xy[:, 4, 1] = 0  # never seen
    filled = fill_missing(xy, "mean")
    for joint in range(17):
        for axis in range(2):
            seen = [value for value in xy[:, joint, axis] if value != 0]
            for t in range(6):
                expected = xy[t, joint, axis] or (np.mean(seen) if seen else 0)
                assert filled[t, joint, axis] == pytest.approx(expected)


def test_dtype_is_kept() -> None:
    assert fill_missing(coordinates(3, 6, 0.1).astype(np.float32), "knn").dtype == np.float32
