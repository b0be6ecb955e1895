"""Tracking of people while a video is read; a person is handed on as soon as nobody can continue the track."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.preprocess.align import align_silhouette
from skelgait.raw.poses.track_joins import MAX_OCCLUSION, join_tracklets
from skelgait.raw.poses.tracker import PeopleTracker
from skelgait.raw.poses.tracklets import Tracklet
from skelgait.video.estimator import Person
from skelgait.video.overlaps import suppress_overlaps
from skelgait.video.reading import Frame

LONGEST_TRACK = 9000
"""Number of detections after which a track ends, so that memory does not grow with the length of a video."""
# Number of frames after which tracks that may have ended are looked for.
_FRAMES_BETWEEN_CHECKS = 30


class RawTrack(NamedTuple):
    """Detections of one person.

    Attributes:
        frames: indices of the T frames, ascending.
        times_s: T times in seconds.
        poses: (T, 17, 3) COCO-17 joints.
        silhouettes: aligned silhouette (S, S) of each frame; None: there is no mask, or it is empty.
        alone: number of frames in which nobody else is seen.
        joins: number of joins after an occlusion.
    """

    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    poses: NDArray[np.float32]
    silhouettes: Sequence[NDArray[np.uint8] | None]
    alone: NDArray[np.bool_]
    joins: int


class _Seen(NamedTuple):
    """Facts of a frame that its detections share, and the silhouettes of its people."""

    time_s: float
    silhouettes: list[NDArray[np.uint8] | None]


class OnlineTracks:
    """Tracks of a video whose frames arrive one by one; the tracking and the joins are those of `skelgait poses`.

    Args:
        size_px: side of an aligned silhouette.
    """

    def __init__(self, size_px: int = 64) -> None:
        self._size_px = size_px
        self._tracker = PeopleTracker()
        self._tracklets: list[Tracklet] = []
        self._seen: dict[int, _Seen] = {}

    def add(self, frame: Frame, detected: Sequence[Person]) -> Iterator[RawTrack]:
        """Add the people of a frame; yield the tracks that have ended."""
        people = suppress_overlaps(detected)
        joints = np.stack([person.joints for person in people]) if people else np.zeros((0, 17, 3), np.float32)
        self._tracklets += self._tracker.add(frame.index, joints)
        if people:
            self._seen[frame.index] = _Seen(frame.time_s, [self._aligned(person) for person in people])
        if frame.index % _FRAMES_BETWEEN_CHECKS == 0:
            yield from self._take(frame.index)

    def finish(self) -> Iterator[RawTrack]:
        """Yield all other tracks at the end of the video."""
        yield from self._take(None)

    def _take(self, now: int | None) -> Iterator[RawTrack]:
        for chain in join_tracklets(self._tracklets):
            is_over = now is None or now - chain[-1].frames[-1] > MAX_OCCLUSION
            if is_over or sum(len(tracklet.frames) for tracklet in chain) >= LONGEST_TRACK:
                yield self._track(chain)
                self._forget(chain)

    def _track(self, chain: Sequence[Tracklet]) -> RawTrack:
        detections = [pair for tracklet in chain for pair in zip(tracklet.frames, tracklet.persons, strict=True)]
        joints: list[NDArray[Any]] = [body for tracklet in chain for body in tracklet.joints]
        return RawTrack(
            np.array([t for t, _ in detections]),
            np.array([self._seen[t].time_s for t, _ in detections]),
            np.stack(joints).astype(np.float32),
            [self._seen[t].silhouettes[person] for t, person in detections],
            np.array([len(self._seen[t].silhouettes) == 1 for t, _ in detections]),
            len(chain) - 1,
        )

    def _forget(self, chain: Sequence[Tracklet]) -> None:
        self._tracker.end(chain)
        ended = set(map(id, chain))
        self._tracklets = [tracklet for tracklet in self._tracklets if id(tracklet) not in ended]
        needed = min((tracklet.frames[0] for tracklet in self._tracklets), default=None)
        for t in list(self._seen):
            if needed is None or t < needed:
                del self._seen[t]

    def _aligned(self, person: Person) -> NDArray[np.uint8] | None:
        return None if person.mask is None else align_silhouette(person.mask, self._size_px)
