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
from skelgait.video.frame_clock import FrameClock
from skelgait.video.overlaps import suppress_overlaps
from skelgait.video.reading import Frame

LONGEST_TRACK = 9000
"""Number of detections after which a track ends, so that memory does not grow with the length of a video."""
# Number of frames, or time, after which tracks that may have ended are looked for.
_FRAMES_BETWEEN_CHECKS = 30
_SECONDS_BETWEEN_CHECKS = 1.0


class RawTrack(NamedTuple):
    """Detections of one person.

    Attributes:
        start: index of the first frame, and of the person in it, which no other track has.
        frames: indices of the T frames, ascending.
        times_s: T times in seconds.
        poses: (T, 17, 3) COCO-17 joints.
        silhouettes: aligned silhouette (S, S) of each frame; None: there is no mask, or it is empty.
        alone: number of frames in which nobody else is seen.
        joins: number of joins after an occlusion.
    """

    start: tuple[int, int]
    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    poses: NDArray[np.float32]
    silhouettes: Sequence[NDArray[np.uint8] | None]
    alone: NDArray[np.bool_]
    joins: int

    def last(self, n: int) -> RawTrack:
        """Return the last `n` detections."""
        return self._replace(
            frames=self.frames[-n:],
            times_s=self.times_s[-n:],
            poses=self.poses[-n:],
            silhouettes=self.silhouettes[-n:],
            alone=self.alone[-n:],
        )


class _Seen(NamedTuple):
    """Facts of a frame that its detections share, and the silhouettes of its people.

    Attributes:
        time_s: time in the video, in seconds.
        clock_s: the same without the times in which the stream was gone.
        silhouettes: silhouette of each person; None: there is none, or the track has ended.
    """

    time_s: float
    clock_s: float
    silhouettes: list[NDArray[np.uint8] | None]


class OnlineTracks:
    """Tracks of a video whose frames arrive one by one; the tracking and the joins are those of `skelgait poses`.

    Args:
        size_px: side of an aligned silhouette.
        longest_occlusion_s: time after which nobody continues a track, in seconds, if its frames are fewer than
            `MAX_OCCLUSION`. Default: the frames alone count.
    """

    def __init__(self, size_px: int = 64, longest_occlusion_s: float = np.inf) -> None:
        self._size_px = size_px
        self._longest_occlusion_s = longest_occlusion_s
        self._tracker = PeopleTracker()
        self._clock = FrameClock()
        self._checked_s = 0.0
        self._tracklets: list[Tracklet] = []
        self._seen: dict[int, _Seen] = {}

    def add(self, frame: Frame, detected: Sequence[Person]) -> Iterator[RawTrack]:
        """Add the people of a frame; yield the tracks that have ended."""
        now_s = self._clock.add(frame)
        people = suppress_overlaps(detected)
        joints = np.stack([person.joints for person in people]) if people else np.zeros((0, 17, 3), np.float32)
        self._tracklets += self._tracker.add(frame.index, joints)
        if people:
            self._seen[frame.index] = _Seen(frame.time_s, now_s, [self._aligned(person) for person in people])
        if frame.index % _FRAMES_BETWEEN_CHECKS == 0 or now_s - self._checked_s >= _SECONDS_BETWEEN_CHECKS:
            self._checked_s = now_s
            yield from self._take(frame.index, now_s)

    def running(self) -> Iterator[RawTrack]:
        """Yield the tracks that have not ended, as far as they are known."""
        yield from map(self._track, self._chains())

    def finish(self) -> Iterator[RawTrack]:
        """Yield all other tracks at the end of the video."""
        yield from self._take(None)

    def _chains(self) -> list[list[Tracklet]]:
        return join_tracklets(self._tracklets, self._clock.pauses)

    def _take(self, now: int | None, now_s: float = 0.0) -> Iterator[RawTrack]:
        for chain in self._chains():
            last = chain[-1].frames[-1]
            is_late = now_s - self._seen[last].clock_s > self._longest_occlusion_s
            is_over = now is None or now - last > MAX_OCCLUSION or is_late
            if is_over or sum(len(tracklet.frames) for tracklet in chain) >= LONGEST_TRACK:
                yield self._track(chain)
                self._forget(chain)

    def _track(self, chain: Sequence[Tracklet]) -> RawTrack:
        detections = [pair for tracklet in chain for pair in zip(tracklet.frames, tracklet.persons, strict=True)]
        joints: list[NDArray[Any]] = [body for tracklet in chain for body in tracklet.joints]
        return RawTrack(
            detections[0],
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
        for tracklet in chain:
            for t, person in zip(tracklet.frames, tracklet.persons, strict=True):
                self._seen[t].silhouettes[person] = None
        needed = min((tracklet.frames[0] for tracklet in self._tracklets), default=None)
        for t in list(self._seen):
            if needed is None or t < needed:
                del self._seen[t]
        self._clock.forget(needed)

    def _aligned(self, person: Person) -> NDArray[np.uint8] | None:
        return None if person.mask is None else align_silhouette(person.mask, self._size_px)
