"""Which frames are drawn, and how often: against all that can be, counted one by one."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy import stats

from skelgait.runtime.rng import rng_for
from skelgait.sampling.frames import FrameSampling, choose_frames

DRAWS = 12_000
UNLIKELY = 1e-4  # the seeds are fixed: a test that passes once always does

Shares = dict[tuple[int, ...], float]


def drawn(sampling: FrameSampling, length: int, clip_len: int, skip: int, draws: int = DRAWS) -> list[tuple[int, ...]]:
    rng = rng_for(2)
    return [tuple(choose_frames(sampling, clip_len, skip, 720, rng)(length).tolist()) for _ in range(draws)]


def ordered_shares(length: int, clip_len: int, skip: int) -> Shares:
    """The share of each choice: any window of the sequence, repeated where it is shorter; any frames of the window."""
    window = clip_len + skip
    places = list(range(length))
    while len(places) < window:
        places += range(length)
    chosen = Counter(
        tuple(part)
        for start in range(len(places) - window + 1)
        for part in combinations(places[start : start + window], clip_len)
    )
    return {choice: times / chosen.total() for choice, times in chosen.items()}


def check(choices: list[tuple[int, ...]], shares: Shares) -> None:
    counted = Counter(choices)
    assert set(counted) <= set(shares)
    expected = {choice: share * len(choices) for choice, share in shares.items()}
    assert stats.chisquare([counted[choice] for choice in expected], list(expected.values())).pvalue > UNLIKELY


@pytest.mark.parametrize(
    "length",
    [
        1,  # one choice
        2,  # repeated three times: windows begin at 0 or 1
        3,  # repeated twice
        5,  # exactly a window: which frames are left out is all there is to draw
        6,
        9,
    ],
)
def test_ordered(length: int) -> None:
    shares = ordered_shares(length, 3, 2)
    if len(shares) == 1:
        assert set(drawn("fixed_ordered", length, 3, 2, 10)) == set(shares)
    else:
        check(drawn("fixed_ordered", length, 3, 2), shares)


@pytest.mark.parametrize("length", [34, 35, 120])
def test_ordered_as_the_presets_do(length: int) -> None:
    times = np.bincount(np.concatenate(drawn("fixed_ordered", length, 30, 4)), minlength=length)
    starts = np.arange(length - 33)
    for frame in range(length):
        share = np.mean((starts <= frame) & (frame < starts + 34)) * 30 / 34
        # A test for each frame: the more there are, the less likely the least likely one may be.
        assert stats.binomtest(times[frame], DRAWS, share).pvalue > UNLIKELY / length


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_unordered(length: int) -> None:
    every = list(product(range(length), repeat=3) if length < 3 else permutations(range(length), 3))
    if len(every) == 1:
        assert set(drawn("fixed_unordered", length, 3, 2, 10)) == set(every)
    else:
        check(drawn("fixed_unordered", length, 3, 2), dict.fromkeys(every, 1 / len(every)))
