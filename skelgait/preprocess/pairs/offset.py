"""Offset between the frame numbers of maps and of silhouettes, found by the movement of the legs in both.

Estimators count frames from 0 or from 1. All sequences of a dataset come from the same estimators, so one offset is
found for all of them: each sequence of a sample votes for the offset at which its maps and silhouettes move most alike.
Movement is compared instead of shape, because the shape of a standing person fits at any offset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.maps import LIMB
from skelgait.preprocess.pairs.frames import UnmatchedError, frame_indices
from skelgait.preprocess.pairs.rates import check_rates
from skelgait.storage import Key, SequenceSource

FrameOffsetSetting = int | Literal["auto"]
"""Number added to the frame numbers of the maps; auto: found by the movement of the legs."""

MAX_OFFSET = 2
# One more offset on each side shows that the best one may be outside of the range.
_OFFSETS = range(-MAX_OFFSET - 1, MAX_OFFSET + 2)

_MAX_SEQUENCES = 100
_MAX_FRAMES = 300
_MIN_FRAMES = 20
# Below, the legs stand, or move towards the camera. Synthetic walkers have 0.01 to 0.06 from the front and the back,
# and 0.11 to 0.35 from other sides.
_MIN_CORRELATION = 0.1
_MIN_VOTES = 5
_MIN_AGREEMENT = 0.8

_HINT = "compare frames of both, and pass a number: --frame-offset 1 if maps count from 0 and silhouettes from 1"


@dataclass(frozen=True)
class FrameOffset:
    """Offset between the frame numbers of maps and silhouettes.

    Attributes:
        value: number added to the frame numbers of the maps.
        votes: best offset of each sequence with moving legs; empty if the offset was given.
        correlations: mean correlation of the movement at each offset, in [-1, 1]; empty if the offset was given.
    """

    value: int = 0
    votes: Mapping[Key, int] = field(default_factory=dict)
    correlations: Mapping[int, float] = field(default_factory=dict)

    @property
    def dissenters(self) -> dict[Key, int]:
        """Sequences with another best offset."""
        return {key: vote for key, vote in self.votes.items() if vote != self.value}

    @property
    def clarity(self) -> str:
        """Description of how clear the offset is; empty if it was given."""
        if not self.votes:
            return ""
        agreeing = len(self.votes) - len(self.dissenters)
        second = max(
            (offset for offset in self.correlations if offset != self.value), key=self.correlations.__getitem__
        )
        correlations = f"{self.correlations[self.value]:.2f}, next {self.correlations[second]:.2f} at {second}"
        return f"auto: {agreeing} of {len(self.votes)} sequences agree, correlation {correlations}"

    @property
    def note(self) -> str:
        """Description for the report; empty if the offset was given as 0."""
        shift = f"{self.value} added to the frame numbers of the maps"
        return f"{shift} ({self.clarity})" if self.votes else shift if self.value else ""

    def __str__(self) -> str:
        return f"{self.value} ({self.clarity})" if self.votes else str(self.value)

    def to_dict(self) -> dict[str, object]:
        """Return the offset as plain strings and numbers."""
        return {
            "value": self.value,
            "clarity": self.clarity,
            "correlations": {str(offset): value for offset, value in self.correlations.items()},
            "votes": {str(key): vote for key, vote in self.votes.items()},
        }


def find_frame_offset(maps: SequenceSource, silhouettes: SequenceSource) -> FrameOffset:
    """Find the number to add to the frame numbers of the maps, in a sample of the sequences.

    Args:
        maps: skeleton maps with frame names.
        silhouettes: silhouettes with frame names, as high as the maps.

    Returns:
        The offset, from -2 to 2, on which at least 80 % of at least five sequences agree.

    Raises:
        DataError: if the offset is not clear, or maps and silhouettes differ in height or frame rate.
    """
    curves = {key: _correlations(key, maps, silhouettes) for key in _sample(set(maps.keys) & set(silhouettes.keys))}
    named = {key: curve for key, curve in curves.items() if curve is not None}
    if not named:
        hint = "make them with `skelgait poses` and `skelgait silhouettes`, which store the names"
        raise DataError(silhouettes.path, "no sequence with frame numbers in maps and silhouettes", "some", hint)
    moving = {key: curve for key, curve in named.items() if curve.max() >= _MIN_CORRELATION}
    votes = {key: _OFFSETS[int(curve.argmax())] for key, curve in moving.items()}
    value = _elect(votes, len(named), silhouettes)
    mean = np.mean(list(moving.values()), axis=0)
    return FrameOffset(value, votes, dict(zip(_OFFSETS, map(float, mean), strict=True)))


def _elect(votes: Mapping[Key, int], n_sequences: int, silhouettes: SequenceSource) -> int:
    """Return the offset that most sequences have; raise an error if it is not clear."""
    if len(votes) < _MIN_VOTES:
        found = f"legs that move alike in maps and silhouettes in {len(votes)} of {n_sequences} sequences"
        expected = f"at least {_MIN_VOTES}, over {_MIN_FRAMES} frames or more, to find the frame offset"
        raise DataError(silhouettes.path, found, expected, _HINT)
    counts = Counter(votes.values())
    ((value, count),) = counts.most_common(1)
    if count < _MIN_AGREEMENT * len(votes):
        found = ", ".join(f"frame offset {offset} in {n} sequences" for offset, n in sorted(counts.items()))
        raise DataError(silhouettes.path, found, f"the same in {_MIN_AGREEMENT:.0%} of them", _HINT)
    if abs(value) > MAX_OFFSET:
        found = f"a frame offset of {value} or beyond"
        raise DataError(silhouettes.path, found, f"-{MAX_OFFSET} to {MAX_OFFSET} for auto", _HINT)
    return value


def _sample(keys: Iterable[Key]) -> list[Key]:
    """Return some of the keys at random, the same for the same keys: a regular step could pick one view alone."""
    ordered = sorted(keys)
    return [ordered[index] for index in np.random.default_rng(0).permutation(len(ordered))[:_MAX_SEQUENCES]]


def _correlations(key: Key, maps: SequenceSource, silhouettes: SequenceSource) -> NDArray[np.float64] | None:
    """Return the mean correlation of the movement at each offset; None without frame numbers, or if unreadable."""
    try:
        map_names, silhouette_names = maps.frame_names(key), silhouettes.frame_names(key)
        if map_names is None or silhouette_names is None:
            return None
        map_indices, silhouette_indices = (
            frame_indices(map_names, "maps"),
            frame_indices(silhouette_names, "silhouettes"),
        )
        map_numbers = sorted(map_indices)[:_MAX_FRAMES]
        silhouette_numbers = _near(silhouette_indices, map_numbers)
        limbs = _read(key, maps, [map_indices[number] for number in map_numbers])[:, LIMB]
        masks = _read(key, silhouettes, [silhouette_indices[number] for number in silhouette_numbers])
    except (UnmatchedError, DataError):  # reported when the sequence is paired
        return None
    check_rates(key, maps, silhouettes)
    _check_heights(key, silhouettes, limbs, masks)
    width = min(limbs.shape[2], masks.shape[2])
    return _mean_correlations(
        _movement(limbs, map_numbers, width), _movement(masks, silhouette_numbers, width), map_numbers
    )


def _near(silhouettes: Iterable[int], maps: Sequence[int]) -> list[int]:
    """Return the frame numbers of silhouettes that are compared with maps at some offset."""
    margin = MAX_OFFSET + 2
    return sorted(number for number in silhouettes if maps and maps[0] - margin <= number <= maps[-1] + margin)


def _read(key: Key, source: SequenceSource, indices: Sequence[int]) -> NDArray[np.uint8]:
    (frames,) = source.read(key, lambda _: np.array(indices, np.int64))
    return frames


def _check_heights(key: Key, silhouettes: SequenceSource, limbs: NDArray[np.uint8], masks: NDArray[np.uint8]) -> None:
    if limbs.shape[1] != masks.shape[1]:
        found = f"silhouettes {masks.shape[1:]} and maps {limbs.shape[1:]}"
        hint = f"run `skelgait silhouettes` with --size-px {limbs.shape[1]}"
        raise ShapeError(silhouettes.path.joinpath(*key), found, "the same height", hint)


def _movement(frames: NDArray[np.uint8], numbers: Sequence[int], width: int) -> dict[int, NDArray[np.float32]]:
    """Return the change of the legs from the frame before to the frame after, with norm 1, by frame number."""
    cut = (frames.shape[2] - width) // 2
    legs = frames[:, frames.shape[1] // 2 :, cut : cut + width].astype(np.float32).reshape(len(frames), -1)
    rows = {number: row for row, number in enumerate(numbers)}
    changes = {n: legs[rows[n + 1]] - legs[rows[n - 1]] for n in numbers if n + 1 in rows and n - 1 in rows}
    return {number: change / max(float(np.linalg.norm(change)), 1e-6) for number, change in changes.items()}


def _mean_correlations(
    maps: Mapping[int, NDArray[np.float32]], silhouettes: Mapping[int, NDArray[np.float32]], numbers: Sequence[int]
) -> NDArray[np.float64]:
    """Return the mean correlation at each offset over the same maps; 0 if these are too few."""
    common = [n for n in numbers if n in maps and all(n + offset in silhouettes for offset in _OFFSETS)]
    if len(common) < _MIN_FRAMES:
        return np.zeros(len(_OFFSETS))
    return np.array([np.mean([maps[n] @ silhouettes[n + offset] for n in common]) for offset in _OFFSETS], np.float64)
