"""Selection of the walker among the people of each frame."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import height_px, track_people


class WalkerSelection(NamedTuple):
    """Walker in each frame of a sequence that has people.

    Attributes:
        frames: indices of these frames in the sequence.
        joints: (V, 3) joints of the walker in each of these frames: x px, y px, confidence.
        several: number of frames with more than one person.
        by_index: number of these frames in which the person index selected the walker.
        by_silhouette: number of these frames in which the silhouette selected the walker.
    """

    frames: list[int]
    joints: list[NDArray[Any]]
    several: int
    by_index: int
    by_silhouette: int

    @property
    def by_continuity(self) -> int:
        """Number of frames with several people in which the track selected the walker."""
        return self.several - self.by_index - self.by_silhouette


def select_walker(
    sequence: RawSequence, index: Mapping[int, int], silhouettes: Mapping[int, NDArray[np.uint8]]
) -> WalkerSelection:
    """Select the walker in each frame: by person index, else by silhouette, else by track.

    Args:
        sequence: people of each frame.
        index: index of the walker among the people of a frame, by frame; may lack frames.
        silhouettes: (H, W) silhouette of the walker, in the image coordinates of the joints, by frame; may lack frames.
    """
    frames = [t for t, people in enumerate(sequence.people) if len(people)]
    several = [t for t in frames if len(sequence.people[t]) > 1]
    by_index = {t: index[t] for t in several if 0 <= index.get(t, -1) < len(sequence.people[t])}
    by_silhouette = {
        t: person
        for t in several
        if t not in by_index and t in silhouettes
        for person in [most_covered_person(sequence.people[t], silhouettes[t])]
        if person is not None
    }
    known = by_index | by_silhouette
    candidates = {t: [known[t]] if t in known else range(len(sequence.people[t])) for t in frames}
    walkers = _by_track(sequence, candidates)
    joints = [sequence.people[t][walker] for t, walker in zip(frames, walkers, strict=True)]
    return WalkerSelection(frames, joints, len(several), len(by_index), len(by_silhouette))


def most_covered_person(people: NDArray[Any], silhouette: NDArray[np.uint8]) -> int | None:
    """Return the index of the person with the most joints on the silhouette; None if there is none, or on a tie.

    A person with a joint outside the image is ignored, because the silhouette was segmented from this image.

    Args:
        people: (M, V, 3) joints of the people in a frame.
        silhouette: (H, W) silhouette of the walker.
    """
    height, width = silhouette.shape
    x, y = np.nan_to_num(people[..., 0], nan=-1), np.nan_to_num(people[..., 1], nan=-1)
    is_inside = ((x >= 0) & (x < width) & (y >= 0) & (y < height)).all(axis=1)
    rows, columns = y.clip(0, height - 1).astype(int), x.clip(0, width - 1).astype(int)
    covered = np.where(is_inside, silhouette[rows, columns].sum(axis=1, dtype=np.int64), 0)
    best = int(covered.argmax())
    return best if covered[best] > 0 and (covered == covered[best]).sum() == 1 else None


def _by_track(sequence: RawSequence, candidates: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the person of the best track in each frame.

    The best track has the most frames with a single candidate; on a tie, the largest sum of height times confidence.
    """
    if all(len(persons) == 1 for persons in candidates.values()):
        return [persons[0] for persons in candidates.values()]
    tracks = sequence.tracks if sequence.tracks is not None else track_people(sequence.people)
    n_single: Counter[int] = Counter()
    size: defaultdict[int, float] = defaultdict(float)
    for t, persons in candidates.items():
        if len(persons) == 1:
            n_single[tracks[t][persons[0]]] += 1
        for person in persons:
            size[tracks[t][person]] += _size(sequence.people[t][person])

    def rank(t: int, person: int) -> tuple[int, float]:
        return n_single[tracks[t][person]], size[tracks[t][person]]

    return [max(persons, key=partial(rank, t)) for t, persons in candidates.items()]


def _size(joints: NDArray[Any]) -> float:
    return height_px(joints) * float(np.nan_to_num(joints[:, 2]).mean())
