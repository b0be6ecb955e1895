"""Selection of the walker among the person tracks of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.body_motion import height_px, walking_activity
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import PersonTrack

Choice = Literal["only person", "person index", "silhouette", "track", "person", "all people"]
"""Reason for which a person is selected: nobody else is there, an aid says so, prominence, `--person`, or all are."""

# Weight of a frame for its only person, or the one that an aid names.
_NAMED_WEIGHT = 10
# Activity of a person who walks, and least weight of a person who does not move.
_WALKING_ACTIVITY = 0.1
_STILL_WEIGHT = 0.1


@dataclass(frozen=True)
class Aids:
    """Sources that name the walker in single frames.

    Attributes:
        person_index: index of the walker among the people of a frame, by frame; may lack frames.
        silhouettes: (H, W) silhouette of the walker, in the image coordinates of the joints, by frame; may lack frames.
    """

    person_index: Mapping[int, int] = field(default_factory=dict)
    silhouettes: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)


NO_AIDS = Aids()


class Selection(NamedTuple):
    """One person of a sequence.

    Attributes:
        frames: indices of the frames with the person.
        joints: (V, 3) joints of the person in each of these frames: x px, y px, confidence.
        choice: reason of the selection.
        certainty: see `select_walker`; None: the caller named the person.
        several: number of these frames with other people.
        by_index: number of these frames in which the person index selected the person.
        by_silhouette: number of these frames in which the silhouette selected the person.
        joins: number of joins of the track.
    """

    frames: list[int]
    joints: list[NDArray[Any]]
    choice: Choice
    certainty: float | None
    several: int = 0
    by_index: int = 0
    by_silhouette: int = 0
    joins: int = 0

    @property
    def by_continuity(self) -> int:
        """Number of frames with other people in which the track selected the person."""
        return self.several - self.by_index - self.by_silhouette


class RankedTrack(NamedTuple):
    """Person track and its prominence.

    Attributes:
        track: frames of the person.
        prominence: sum over the frames of height in px times mean confidence. A person who does not walk has a tenth
            of that. A frame counts tenfold for its only person, and for the one that an aid names; for the others
            of such a frame, it does not count.
    """

    track: PersonTrack
    prominence: float


def rank_tracks(sequence: RawSequence, tracks: Sequence[PersonTrack], aids: Aids = NO_AIDS) -> list[RankedTrack]:
    """Return person tracks with their prominence, the most prominent first."""
    named = _named_persons(sequence, aids)
    ranked = [RankedTrack(track, _prominence(sequence, track, named)) for track in tracks]
    return sorted(ranked, key=lambda item: -item.prominence)


def number_tracks(ranked: Sequence[RankedTrack], min_frames: int) -> list[RankedTrack]:
    """Return tracks in the order of their numbers p1, p2, ...: by prominence, those of few frames last.

    Args:
        ranked: tracks, the most prominent first.
        min_frames: number of frames of a track that is not short.
    """
    return sorted(ranked, key=lambda item: len(item.track.frames) < min_frames)


def select_walker(sequence: RawSequence, ranked: Sequence[RankedTrack], aids: Aids = NO_AIDS) -> Selection | None:
    """Select the walker: the most prominent track, and the person that an aid names in the frames that it names.

    Other frames are left out. A person index lists frames with several people only; it therefore selects the only
    person of other frames.

    Args:
        sequence: people of each frame.
        ranked: tracks, the most prominent first.
        aids: sources that name the walker in single frames.

    Returns:
        The walker; None if there are no people. The certainty is the prominence of the walker, divided by the sum of
        that and of the next prominence: 1 if there is nobody else, 0.5 if two people are equally prominent.
    """
    if not ranked:
        return None
    by_index, by_silhouette = _by_index(sequence, aids.person_index), _by_silhouette(sequence, aids)
    track = ranked[0].track
    persons = dict(zip(track.frames, track.persons, strict=True)) | by_silhouette | by_index
    choice: Choice = "person index" if by_index else "silhouette" if by_silhouette else "track"
    selected = _selection(sequence, persons, "only person" if len(ranked) == 1 else choice, certainty_of_first(ranked))
    several = {t for t in persons if len(sequence.people[t]) > 1}
    n_by_index = len(several & by_index.keys())
    n_by_silhouette = len(several & by_silhouette.keys() - by_index.keys())
    return selected._replace(by_index=n_by_index, by_silhouette=n_by_silhouette, joins=track.joins)


def select_track(sequence: RawSequence, track: PersonTrack, choice: Choice) -> Selection:
    """Select a person whom the caller names."""
    persons = dict(zip(track.frames, track.persons, strict=True))
    return _selection(sequence, persons, choice, None)._replace(joins=track.joins)


def certainty_of_first(ranked: Sequence[RankedTrack]) -> float:
    """Return the prominence of the first track, divided by the sum of the first two."""
    total = sum(item.prominence for item in ranked[:2])
    return ranked[0].prominence / total if total > 0 else 1 / min(len(ranked), 2)


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


def _selection(sequence: RawSequence, persons: Mapping[int, int], choice: Choice, certainty: float | None) -> Selection:
    frames = sorted(persons)
    joints = [sequence.people[t][persons[t]] for t in frames]
    several = sum(len(sequence.people[t]) > 1 for t in frames)
    return Selection(frames, joints, choice, certainty, several)


def _by_index(sequence: RawSequence, index: Mapping[int, int]) -> dict[int, int]:
    """Return the person that the index names, by frame; empty if it names nobody."""
    n_people = {t: len(people) for t, people in enumerate(sequence.people) if len(people)}
    named = {t: index[t] for t, n in n_people.items() if n > 1 and 0 <= index.get(t, -1) < n}
    return {t: named.get(t, 0) for t, n in n_people.items() if t in named or n == 1} if named else {}


def _by_silhouette(sequence: RawSequence, aids: Aids) -> dict[int, int]:
    covered = {
        t: most_covered_person(sequence.people[t], silhouette)
        for t, silhouette in aids.silhouettes.items()
        if len(sequence.people[t]) > 1
    }
    return {t: person for t, person in covered.items() if person is not None}


def _named_persons(sequence: RawSequence, aids: Aids) -> dict[int, int]:
    """Return the only person of a frame, and the person that an aid names, by frame."""
    only = {t: 0 for t, people in enumerate(sequence.people) if len(people) == 1}
    return only | _by_silhouette(sequence, aids) | _by_index(sequence, aids.person_index)


def _prominence(sequence: RawSequence, track: PersonTrack, named: Mapping[int, int]) -> float:
    joints = [sequence.people[t][person] for t, person in zip(track.frames, track.persons, strict=True)]
    weights = [
        1 if t not in named else _NAMED_WEIGHT if named[t] == person else 0
        for t, person in zip(track.frames, track.persons, strict=True)
    ]
    return _weighted_prominence(np.stack(joints), weights)


def prominence_of_track(joints: NDArray[Any], alone: NDArray[np.bool_]) -> float:
    """Return the prominence of a track, see `RankedTrack`, of a video without aids.

    Args:
        joints: (T, 17, 3) joints of the person.
        alone: True for each of the T frames in which nobody else is seen.
    """
    return _weighted_prominence(joints, [_NAMED_WEIGHT if is_alone else 1 for is_alone in alone])


def _weighted_prominence(joints: NDArray[Any], weights: Sequence[int]) -> float:
    size = sum(weight * _size(body) for weight, body in zip(weights, joints, strict=True))
    return size * min(max(walking_activity(joints) / _WALKING_ACTIVITY, _STILL_WEIGHT), 1)


def _size(joints: NDArray[Any]) -> float:
    return height_px(joints) * float(np.nan_to_num(joints[:, 2]).mean())
