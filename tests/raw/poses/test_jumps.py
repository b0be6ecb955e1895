"""Count of steps that jump."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.raw.poses.jumps import count_jumps
from tests.raw.poses.dataset_builders import PERSON

BODY = np.concatenate([PERSON, np.ones((17, 1))], axis=1)  # 173 px tall


def moved(x: float, scale: float = 1.0) -> np.ndarray:
    return BODY * [scale, scale, 1] + [x, 0, 0]


@pytest.mark.parametrize(
    ("second", "n_jumps"),
    [(moved(86), 0), (moved(87), 1), (moved(0, 1.45), 0), (moved(0, 1.6), 1), (moved(0, 0.45), 1)],
)
def test_step_of_half_a_height_jumps(second: np.ndarray, n_jumps: int) -> None:
    assert count_jumps([BODY, second], [4, 5]) == n_jumps


def test_steps_over_missing_frames_do_not_count() -> None:
    assert count_jumps([moved(0), moved(500), moved(0)], [0, 2, 3]) == 1
    assert count_jumps([moved(0), np.zeros((17, 3)), moved(500)], [0, 1, 2]) == 0
    assert count_jumps([], []) == 0
