"""People of a raw dataset: their tracks, and which of them become sequences."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.raw.poses.layout import RawPoses
from skelgait.raw.poses.person_index import person_index_path, read_person_index
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import find_tracks
from skelgait.raw.poses.walker_selection import (
    Aids,
    RankedTrack,
    Selection,
    number_tracks,
    rank_tracks,
    select_track,
    select_walker,
)
from skelgait.raw.silhouettes.images import SilhouetteImages
from skelgait.runtime.workers import in_workers
from skelgait.storage import Key
from skelgait.storage.frame_names import frame_number
from skelgait.storage.times import joint_time_ns

_HINT = "run the pose estimator on this sequence again, or remove it"


class Target(NamedTuple):
    """Person of a raw sequence.

    Attributes:
        key: key of the raw sequence.
        number: number of the person, from 1; None: the walker, or the person of the settings.
    """

    key: Key
    number: int | None = None


class Scene(NamedTuple):
    """Raw sequence and its person tracks.

    Attributes:
        sequence: people of each frame.
        aids: sources that name the walker in single frames.
        tracks: tracks by prominence.
    """

    sequence: RawSequence
    aids: Aids
    tracks: Sequence[RankedTrack]


@dataclass(frozen=True)
class RawPeople:
    """People of a raw dataset.

    Attributes:
        raw: raw dataset.
        person_index: folder of person indices; None: none.
        silhouettes: silhouettes of the walkers in full images; None: none.
        person: track id, or "p" and number, of the person to select in each sequence; None: the walker.
        min_frames: number of frames of a track that becomes a sequence of its own.
    """

    raw: RawPoses
    person_index: Path | None
    silhouettes: SilhouetteImages | None
    person: str | None
    min_frames: int
    # The last scene: the people of a sequence are made one after the other.
    _last: dict[Key, Scene] = field(default_factory=dict, compare=False, repr=False)

    def modified_ns(self, key: Key) -> int:
        """Return a time that changes with any input of a raw sequence, see `RawPoses.modified_ns`."""
        times = [self.raw.modified_ns(key)]
        if self.person_index and (index := person_index_path(self.person_index, key)).is_file():
            times.append(index.stat().st_mtime_ns)
        return joint_time_ns(times)

    def read(self, key: Key) -> Scene:
        """Read a raw sequence, and find the person tracks.

        Raises:
            DataError: if it cannot be read.
        """
        if key not in self._last:
            sequence = self.raw.read(key)
            aids = Aids(self._index(key, sequence), self._silhouettes(key, sequence))
            self._last.clear()
            self._last[key] = Scene(sequence, aids, rank_tracks(sequence, find_tracks(sequence), aids))
        return self._last[key]

    def select(self, scene: Scene, number: int | None, location: str) -> Selection:
        """Select a person.

        Args:
            scene: raw sequence and its tracks.
            number: number of the person, from 1; None: the walker, or the person of the settings.
            location: name of the sequence, for error messages.

        Raises:
            DataError: if there is no such person.
        """
        people = number_tracks(scene.tracks, self.min_frames)
        if number is not None and people:
            if number > self._count(people):
                found = f"no person in at least {self.min_frames} frames"
                raise DataError(location, found, "a person with more frames", "pass a smaller --min-frames")
            return select_track(scene.sequence, people[number - 1].track, "all people")
        if self.person is not None and people:
            return select_track(
                scene.sequence, _find_person(people, self.person, self.raw.path, location).track, "person"
            )
        walker = select_walker(scene.sequence, scene.tracks, scene.aids)
        if walker is None:
            found = f"no person in any of {len(scene.sequence.people)} frames"
            raise DataError(location, found, "a person", _HINT)
        return walker

    def count(self, key: Key) -> int:
        """Return the number of tracks that become sequences of their own; 0 if the sequence cannot be read."""
        try:
            tracks = self.read(key).tracks
        except DataError:  # reported when the sequence is read again
            return 0
        return self._count(tracks)

    def _count(self, tracks: Sequence[RankedTrack]) -> int:
        return sum(len(item.track.frames) >= self.min_frames for item in tracks)

    def _index(self, key: Key, sequence: RawSequence) -> dict[int, int]:
        if self.person_index is None:
            return {}
        return read_person_index(person_index_path(self.person_index, key), sequence.frame_names)

    def _silhouettes(self, key: Key, sequence: RawSequence) -> dict[int, NDArray[np.uint8]]:
        """Return silhouettes (H, W) of the frames with several people, by frame index."""
        several = [t for t, people in enumerate(sequence.people) if len(people) > 1]
        if self.silhouettes is None or sequence.frame_names is None or not several:
            return {}
        images = self.silhouettes.frames(key)
        numbers = {t: frame_number(sequence.frame_names[t]) for t in several}
        return {t: images[number] for t, number in numbers.items() if number is not None and number in images}


def find_targets(people: RawPeople, selection: Literal["walker", "all"], workers: int) -> dict[Key, Target]:
    """Return the sequences to make, sorted by key.

    Args:
        people: people of a raw dataset.
        selection: "walker": one sequence a video; "all": one for each track of at least `people.min_frames`, with the
            view `<view>-p<number>`. All videos are then read twice. A video without such a track keeps its key.
        workers: number of worker processes.
    """
    keys = people.raw.keys
    if selection == "walker":
        return {key: Target(key) for key in keys}
    counts = zip(keys, in_workers(people.count, keys, workers), strict=True)
    targets = {
        key._replace(view=f"{key.view}-p{number}"): Target(key, number)
        for key, n in counts
        for number in range(1, n + 1)
    }
    missing = {target.key for target in targets.values()}.symmetric_difference(keys)
    return dict(sorted({**targets, **{key: Target(key, 1) for key in missing}}.items()))


def inspect_command(path: Path) -> str:
    """Return the command that draws the people of a raw dataset, for hints."""
    return f"skelgait inspect {shlex.quote(str(path))} --pictures"


def _find_person(people: Sequence[RankedTrack], person: str, path: Path, location: str) -> RankedTrack:
    """Return the longest track of a track id, or the track of a number ("p2").

    Raises:
        DataError: if there is none.
    """
    if person.startswith("p"):
        matches = people[int(person[1:]) - 1 :][:1] if person != "p0" else []
    else:
        matches = [item for item in people if int(person) in item.track.ids]
    if not matches:
        ids = sorted({track_id for item in people for track_id in item.track.ids})
        known = f"{', '.join(map(str, ids[:10]))}{', ...' if len(ids) > 10 else ''}, or " if ids else ""
        hint = f'look at them with "{inspect_command(path)}"'
        raise DataError(location, f"no person {person}", f"--person {known}p1 to p{len(people)}", hint)
    return max(matches, key=lambda item: len(item.track.frames))
