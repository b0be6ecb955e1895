"""Which frames of a sequence are used."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skelgait.storage import FrameChoice

FrameSampling = Literal["fixed_ordered", "fixed_unordered", "all_ordered"]


def choose_frames(
    sampling: FrameSampling, clip_len: int, skip: int, max_frames: int, rng: np.random.Generator
) -> FrameChoice:
    """The frame choice of a sampling, with the draws of `rng`.

    * `fixed_ordered`: of a random window of `clip_len + skip` frames, `clip_len` in their order;
    * `fixed_unordered`: `clip_len` at random, more than once only where the sequence is shorter;
    * `all_ordered`: all, up to `max_frames`.

    In corner cases: a sequence shorter than the window is repeated first; one without frames gives none.

    Args:
        sampling: which of the three.
        clip_len: frames drawn.
        skip: frames of the window that `fixed_ordered` leaves out.
        max_frames: where `all_ordered` stops.
        rng: the source of the draws.
    """
    if sampling == "fixed_ordered":
        return lambda length: _ordered(length, clip_len, skip, rng)
    if sampling == "fixed_unordered":
        return lambda length: _unordered(length, clip_len, rng)
    return first_frames(max_frames)


def first_frames(max_frames: int) -> FrameChoice:
    """All frames, up to `max_frames`."""
    return lambda length: np.arange(min(length, max_frames))


def _ordered(length: int, clip_len: int, skip: int, rng: np.random.Generator) -> NDArray[np.int64]:
    window = clip_len + skip
    repeats = -(-window // length) if length else 0
    start = rng.integers(max(length * repeats - window, 0) + 1)
    places = start + np.sort(rng.choice(window, clip_len, replace=False))
    return places % length if length else np.arange(0)


def _unordered(length: int, clip_len: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(length, clip_len, replace=length < clip_len) if length else np.arange(0)
