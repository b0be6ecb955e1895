"""One person a frame, out of several: the walker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.poses.layout import RawSequence

# The cost of going on with somebody of another track, or who is a body's height away; a continued walk costs far less.
_JUMP = 1.0
# Of two people who are there throughout, it is the larger and surer one.
_SMALLNESS = 0.01


class Chosen(NamedTuple):
    """The walker in the frames of a sequence that have anybody.

    Attributes:
        frames: which frames these are, by number.
        joints: (M, V, 3) turned into (V, 3) for each of them.
        several: frames that had more than one person.
        by_index: of these, decided by an index.
        by_silhouette: of these, decided by the silhouette.
    """

    frames: list[int]
    joints: list[NDArray[Any]]
    several: int
    by_index: int
    by_silhouette: int

    @property
    def by_continuity(self) -> int:
        """Of the frames with several people, those decided by the continuity of the track."""
        return self.several - self.by_index - self.by_silhouette


def choose_people(
    sequence: RawSequence, index: Mapping[int, int], silhouettes: Mapping[int, NDArray[np.uint8]]
) -> Chosen:
    """Choose the walker in every frame: by an index, else by the silhouette, else by the continuity of the track.

    Args:
        sequence: the people of each frame.
        index: which person it is, for some frames, by the place of a frame in the sequence.
        silhouettes: (H, W) silhouette of the walker in the image that the joints are of, for some frames.
    """
    frames = [t for t, people in enumerate(sequence.people) if len(people)]
    several = [t for t in frames if len(sequence.people[t]) > 1]
    decided = {t: index[t] for t in several if 0 <= index.get(t, -1) < len(sequence.people[t])}
    by_silhouette = {
        t: person
        for t in several
        if t not in decided and t in silhouettes
        for person in [most_covered(sequence.people[t], silhouettes[t])]
        if person is not None
    }
    candidates = [
        [known] if (known := (decided | by_silhouette).get(t)) is not None else list(range(len(sequence.people[t])))
        for t in frames
    ]
    walkers = _smoothest(sequence, frames, candidates)
    joints = [sequence.people[t][walker] for t, walker in zip(frames, walkers, strict=True)]
    return Chosen(frames, joints, len(several), len(decided), len(by_silhouette))


def most_covered(people: NDArray[Any], silhouette: NDArray[np.uint8]) -> int | None:
    """The person whose joints lie on the most silhouette; None where nobody's do, or two people's alike.

    Somebody with a joint outside of the image is not the one whom the silhouette was cut out of.
    """
    height, width = silhouette.shape
    x, y = np.nan_to_num(people[..., 0], nan=-1), np.nan_to_num(people[..., 1], nan=-1)
    is_inside = ((x >= 0) & (x < width) & (y >= 0) & (y < height)).all(axis=1)
    rows, columns = y.clip(0, height - 1).astype(int), x.clip(0, width - 1).astype(int)
    covered = np.where(is_inside, silhouette[rows, columns].sum(axis=1, dtype=np.int64), 0)
    best = int(covered.argmax())
    return best if covered[best] > 0 and (covered == covered[best]).sum() == 1 else None


def _smoothest(sequence: RawSequence, frames: Sequence[int], candidates: Sequence[Sequence[int]]) -> list[int]:
    """One of the candidates of each frame, so that the walker moves as little as can be (Viterbi's algorithm)."""
    if all(len(own) == 1 for own in candidates):
        return [own[0] for own in candidates]
    smallness = _smallness(sequence, frames)
    costs = [np.array([smallness[0][person] for person in candidates[0]])]
    before: list[NDArray[np.int64]] = []
    for i in range(1, len(frames)):
        total = costs[-1][:, None] + _moves(sequence, frames[i - 1 : i + 1], candidates[i - 1 : i + 1])
        before.append(total.argmin(axis=0))
        costs.append(total.min(axis=0) + [smallness[i][person] for person in candidates[i]])
    place = int(costs[-1].argmin())
    places = [place]
    for back in reversed(before):
        place = int(back[place])
        places.append(place)
    return [own[place] for own, place in zip(candidates, reversed(places), strict=True)]


def _smallness(sequence: RawSequence, frames: Sequence[int]) -> list[NDArray[np.float64]]:
    """For each frame what each person costs: nothing for the largest and surest of the sequence."""
    sizes = [np.array([_height(one) * np.nan_to_num(one[:, 2]).mean() for one in sequence.people[t]]) for t in frames]
    largest = max(size.max() for size in sizes) or 1.0
    return [_SMALLNESS * (1 - size / largest) for size in sizes]


def _moves(sequence: RawSequence, frames: Sequence[int], candidates: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """What it costs to go on from each candidate of a frame with each of the next one."""
    earlier, later = ([sequence.people[t][person] for person in own] for t, own in zip(frames, candidates, strict=True))
    if sequence.tracks is not None:
        ids = [[sequence.tracks[t][person] for person in own] for t, own in zip(frames, candidates, strict=True)]
        return np.where(np.array(ids[0])[:, None] == np.array(ids[1])[None], 0.0, _JUMP)
    gap = frames[1] - frames[0]
    return np.array([[min(_distance(a, b) / gap, 1.0) ** 2 * _JUMP for b in later] for a in earlier])


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    """How far joints moved on average, in body heights; 1 where no joint is in both."""
    both = _is_seen(a) & _is_seen(b)
    height = max(_height(a), _height(b))
    if not both.any() or height == 0:
        return 1.0
    return float(np.linalg.norm(a[both, :2] - b[both, :2], axis=1).mean()) / height


def _height(joints: NDArray[Any]) -> float:
    y = joints[_is_seen(joints), 1]
    return float(np.ptp(y)) if len(y) else 0.0


def _is_seen(joints: NDArray[Any]) -> NDArray[np.bool_]:
    seen: NDArray[np.bool_] = np.isfinite(joints).all(axis=1) & (joints[:, :2] != 0).any(axis=1)
    return seen
