"""Filling missing coordinates, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.impute import KNNImputer

from skelgait.maps.fill import fill_missing


def coordinates(seed: int, frames: int, lost: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xy = rng.uniform(100, 500, (frames, 17, 2)) + rng.uniform(0, 30, (frames, 1, 1))
    xy[rng.random(xy.shape) < lost] = 0
    return xy


def test_nothing_missing_is_returned_as_it_is() -> None:
    for xy in (np.zeros((0, 17, 2)), coordinates(0, 5, 0)):
        assert fill_missing(xy, "knn") is xy


def test_none_fills_nothing() -> None:
    xy = coordinates(0, 9, 0.2)
    assert fill_missing(xy, "none") is xy


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), frames=st.integers(1, 25), lost=st.sampled_from([0.02, 0.2, 0.6]))
def test_knn_is_scikit_learn_s(seed: int, frames: int, lost: float) -> None:
    xy = coordinates(seed, frames, lost)
    filled = fill_missing(xy, "knn")
    if (xy == 0).all(axis=0).any():
        np.testing.assert_array_equal(filled, xy)
        return
    imputer = KNNImputer(missing_values=0.0, n_neighbors=4, weights="distance")
    expected = imputer.fit_transform(xy.reshape(frames, -1)).reshape(xy.shape)
    np.testing.assert_allclose(filled, expected, rtol=0, atol=1e-6)


def test_a_repeated_frame_counts_alone() -> None:
    xy = coordinates(1, 8, 0)
    xy[5] = xy[2]
    lost = xy.copy()
    lost[2, 9] = 0
    np.testing.assert_allclose(fill_missing(lost, "knn"), xy, rtol=0, atol=1e-9)


def test_mean_is_that_of_the_frames_that_have_it() -> None:
    xy = coordinates(2, 6, 0.3)
    xy[:, 4, 1] = 0  # never seen
    filled = fill_missing(xy, "mean")
    for joint in range(17):
        for axis in range(2):
            seen = [value for value in xy[:, joint, axis] if value != 0]
            for t in range(6):
                expected = xy[t, joint, axis] or (np.mean(seen) if seen else 0)
                assert filled[t, joint, axis] == pytest.approx(expected)


def test_the_type_of_floats_stays() -> None:
    assert fill_missing(coordinates(3, 6, 0.1).astype(np.float32), "knn").dtype == np.float32
