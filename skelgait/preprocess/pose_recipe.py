"""Conversion of a raw sequence to poses of one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, ShapeError
from skelgait.maps.keypoints import LARGEST_PX
from skelgait.preprocess.keypoints import check_posture
from skelgait.preprocess.people import RawPeople, Scene, Target
from skelgait.preprocess.recipe import Loaded, Output, Recipe
from skelgait.raw.poses.jumps import count_jumps
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import count_splits
from skelgait.raw.poses.walker_selection import Selection
from skelgait.storage import Key

# Files named in warnings of one sequence.
_MAX_WARNINGS = 3
_HINT = "run the pose estimator on this sequence again, or remove it"


class FrameFormat(NamedTuple):
    """Number of joints and type of the numbers of a frame."""

    joints: int
    dtype: str

    def __str__(self) -> str:
        return f"{self.joints} joints of {self.dtype}"


@dataclass(frozen=True)
class PoseRecipe(Recipe):
    """Poses of one person a sequence. They are made in `read`, because the number of frames is not known before.

    Attributes:
        people: raw dataset and its people.
        targets: raw sequence and person of each sequence to make; number None: the walker, or `person`.
        frame_format: format of all frames; None: any.
        force: write sequences with an impossible posture.
    """

    people: RawPeople
    targets: Mapping[Key, Target]
    frame_format: FrameFormat | None
    force: bool

    @property
    def keys(self) -> Sequence[Key]:
        """See `Recipe.keys`."""
        return list(self.targets)

    def modified_ns(self, key: Key) -> int:
        """See `Recipe.modified_ns`."""
        return self.people.modified_ns(self.targets[key].key)

    def read(self, key: Key) -> Loaded:
        """See `Recipe.read`."""
        target, location = self.targets[key], f"{self.people.raw.path}: {key}"
        scene = self.people.read(target.key)
        selected = self.people.select(scene, target.number, location)
        array, not_finite = _as_array(selected.joints, location)
        if not array[..., :2].any():
            raise DataError(location, f"no joint in any of {len(array)} frames", "a person", _HINT)
        if not self.force:
            check_posture(array, location)
        self._check_format(FrameFormat(array.shape[1], str(array.dtype)), location)
        output = Output(
            array,
            {**_counts(scene, selected), "not_finite": not_finite},
            _warnings(scene.sequence),
            {"choice": selected.choice, "certainty": selected.certainty},
        )
        names = scene.sequence.frame_names
        return Loaded(output, len(array), names and [names[t] for t in selected.frames])

    def make(self, loaded: Loaded) -> Output:
        """See `Recipe.make`."""
        output: Output = loaded.content
        return output

    def _check_format(self, frame_format: FrameFormat, location: str) -> None:
        if self.frame_format not in (None, frame_format):
            hint = "use --storage pkl, or write these sequences into another store"
            expected = f"{self.frame_format}, as in the first sequence of the store"
            raise ShapeError(location, str(frame_format), expected, hint)


def _counts(scene: Scene, selected: Selection) -> dict[str, int]:
    sequence = scene.sequence
    with_people = sum(len(people) > 0 for people in sequence.people)
    return {
        "no_person": len(sequence.people) - with_people,
        "without_walker": with_people - len(selected.frames),
        "several_people": selected.several,
        "by_index": selected.by_index,
        "by_silhouette": selected.by_silhouette,
        "by_continuity": selected.by_continuity,
        "tracks": len(scene.tracks),
        "joins": selected.joins,
        "splits": count_splits([item.track for item in scene.tracks]),
        "jumps": count_jumps(selected.joints, selected.frames),
        "without_joints": sequence.counts.without_joints,
        "clipped": sequence.counts.clipped,
        "unreadable_files": len(sequence.counts.unreadable),
    }


def _warnings(sequence: RawSequence) -> tuple[str, ...]:
    """Return a warning for each of the first unreadable files."""
    lines = [f"{path}: found {reason}; its frame is left out" for path, reason in sequence.counts.unreadable.items()]
    more = len(lines) - _MAX_WARNINGS
    return (*lines[:_MAX_WARNINGS], *([f"... and {more} more empty or damaged files"] if more > 0 else []))


def _as_array(joints: Sequence[NDArray[Any]], location: str) -> tuple[NDArray[Any], int]:
    """Stack the joints of all frames.

    Returns:
        Poses (T, V, 3), with 0, 0, 0 for joints that are not finite or beyond any image; and the number of such joints.
    """
    counts = sorted({len(frame) for frame in joints})
    if len(counts) > 1:
        found = f"frames with {' and '.join(map(str, counts))} joints"
        raise ShapeError(location, found, "one number of joints", "export the sequence with one skeleton format")
    array = np.stack(joints)
    # NaN is not smaller either.
    is_invalid = ~(np.isfinite(array).all(axis=2) & (np.abs(array[..., :2]) <= LARGEST_PX).all(axis=2))
    array[is_invalid] = 0
    return array, int(is_invalid.sum())
