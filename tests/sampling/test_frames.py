"""Distribution of drawn frames, compared with the enumeration of all choices."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from skelgait.runtime.rng import rng_for
from skelgait.sampling.frames import FrameSampling, choose_frames

DRAWS = 12_000
UNLIKELY = 1e-4  # seeds are fixed, so a test that passes once always passes

Shares = dict[tuple[int, ...], float]


def drawn(sampling: FrameSampling, length: int, clip_len: int, skip: int, draws: int = DRAWS) -> list[tuple[int, ...]]:
    rng = rng_for(2)
    return [tuple(choose_frames(sampling, clip_len, skip, 720, rng)(length).tolist()) for _ in range(draws)]


def ordered_shares(length: int, clip_len: int, skip: int) -> Shares:
    """Return the share of each choice: any frames of any window of the sequence, which is repeated if it is shorter."""
    window = clip_len + skip
    repeated = list(range(length))
    while len(repeated) < window:
        repeated += range(length)
    counts = Counter(
        tuple(frames)
        for start in range(len(repeated) - window + 1)
        for frames in combinations(repeated[start : start + window], clip_len)
    )
    return {choice: times / counts.total() for choice, times in counts.items()}


def assert_distribution(choices: list[tuple[int, ...]], shares: Shares) -> None:
    counted = Counter(choices)
    assert set(counted) <= set(shares)
    expected = {choice: share * len(choices) for choice, share in shares.items()}
    assert stats.chisquare([counted[choice] for choice in expected], list(expected.values())).pvalue > UNLIKELY


@pytest.mark.parametrize(
    "length",
    [
        1,  # one choice
        2,  # repeated three times: windows start at 0 or 1
        3,  # repeated twice
        5,  # exactly a window: only the frames to leave out are drawn
        6,
        9,
    ],
)
def test_fixed_ordered_draws_every_choice_with_its_share(length: int) -> None:
    shares = ordered_shares(length, 3, 2)
    if len(shares) == 1:
        assert set(drawn("fixed_ordered", length, 3, 2, 10)) == set(shares)
    else:
        assert_distribution(drawn("fixed_ordered", length, 3, 2), shares)


@pytest.mark.parametrize("length", [34, 35, 120])
def test_fixed_ordered_draws_every_frame_with_its_share_in_presets(length: int) -> None:
    times = np.bincount(np.concatenate(drawn("fixed_ordered", length, 30, 4)), minlength=length)
    starts = np.arange(length - 33)
    for frame in range(length):
        share = np.mean((starts <= frame) & (frame < starts + 34)) * 30 / 34
        # Bonferroni correction for one test per frame.
        assert stats.binomtest(times[frame], DRAWS, share).pvalue > UNLIKELY / length


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_fixed_unordered_draws_every_choice_equally(length: int) -> None:
    choices = list(product(range(length), repeat=3) if length < 3 else permutations(range(length), 3))
    if len(choices) == 1:
        assert set(drawn("fixed_unordered", length, 3, 2, 10)) == set(choices)
    else:
        assert_distribution(drawn("fixed_unordered", length, 3, 2), dict.fromkeys(choices, 1 / len(choices)))
