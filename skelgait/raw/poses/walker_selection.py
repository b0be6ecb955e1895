"""One person a frame, out of several: the walker."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.layout import RawSequence
from skelgait.raw.poses.tracks import height_px, track_people


class WalkerSelection(NamedTuple):
    """The walker in the frames of a sequence that have anybody.

    Attributes:
        frames: which frames these are, by number.
        joints: (V, 3) of the walker in each of them: x px, y px, confidence.
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


def select_walker(
    sequence: RawSequence, index: Mapping[int, int], silhouettes: Mapping[int, NDArray[np.uint8]]
) -> WalkerSelection:
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
        for person in [most_covered_person(sequence.people[t], silhouettes[t])]
        if person is not None
    }
    known = decided | by_silhouette
    candidates = {t: [known[t]] if t in known else range(len(sequence.people[t])) for t in frames}
    walkers = _of_best_track(sequence, candidates)
    joints = [sequence.people[t][walker] for t, walker in zip(frames, walkers, strict=True)]
    return WalkerSelection(frames, joints, len(several), len(decided), len(by_silhouette))


def most_covered_person(people: NDArray[Any], silhouette: NDArray[np.uint8]) -> int | None:
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


def _of_best_track(sequence: RawSequence, candidates: Mapping[int, Sequence[int]]) -> list[int]:
    """For each frame the candidate of the track that is the walker's most often for certain, and then the largest.

    Certain are frames with one candidate. A track is as large as its people, by height and confidence, all together.
    """
    if all(len(own) == 1 for own in candidates.values()):
        return [own[0] for own in candidates.values()]
    tracks = sequence.tracks if sequence.tracks is not None else track_people(sequence.people)
    certain: Counter[int] = Counter()
    size: defaultdict[int, float] = defaultdict(float)
    for t, own in candidates.items():
        if len(own) == 1:
            certain[tracks[t][own[0]]] += 1
        for person in own:
            size[tracks[t][person]] += _size(sequence.people[t][person])

    def weight(t: int, person: int) -> tuple[int, float]:
        return certain[tracks[t][person]], size[tracks[t][person]]

    return [max(own, key=partial(weight, t)) for t, own in candidates.items()]


def _size(joints: NDArray[Any]) -> float:
    return height_px(joints) * float(np.nan_to_num(joints[:, 2]).mean())
