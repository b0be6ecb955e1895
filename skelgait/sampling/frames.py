"""Choice of the frames of a sequence."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skelgait.storage import FrameChoice

FrameSampling = Literal["fixed_ordered", "fixed_unordered", "all_ordered"]


def choose_frames(
    sampling: FrameSampling, clip_len: int, skip: int, max_frames: int, rng: np.random.Generator
) -> FrameChoice:
    """Return a function from the length of a sequence to the indices of the frames to use.

    * `fixed_ordered`: `clip_len` frames of a random window of `clip_len + skip` frames, in order. A sequence that is
      shorter than the window is repeated first.
    * `fixed_unordered`: `clip_len` random frames, with replacement only if the sequence is shorter.
    * `all_ordered`: the first `max_frames` frames.

    A sequence without frames gives no index.

    Args:
        sampling: one of the three names above.
        clip_len: number of frames in a clip.
        skip: frames of a window that `fixed_ordered` leaves out.
        max_frames: largest number of frames that `all_ordered` uses.
        rng: random generator.
    """
    if sampling == "fixed_ordered":
        return lambda length: _ordered(length, clip_len, skip, rng)
    if sampling == "fixed_unordered":
        return lambda length: _unordered(length, clip_len, rng)
    return first_frames(max_frames)


def first_frames(max_frames: int) -> FrameChoice:
    """Return a function from the length of a sequence to the indices of its first `max_frames` frames."""
    return lambda length: np.arange(min(length, max_frames))


def _ordered(length: int, clip_len: int, skip: int, rng: np.random.Generator) -> NDArray[np.int64]:
    window = clip_len + skip
    repeats = -(-window // length) if length else 0
    start = rng.integers(max(length * repeats - window, 0) + 1)
    indices = start + np.sort(rng.choice(window, clip_len, replace=False))
    return indices % length if length else np.arange(0)


def _unordered(length: int, clip_len: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.choice(length, clip_len, replace=length < clip_len) if length else np.arange(0)
