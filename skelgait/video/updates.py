"""Tracks of people while a video is read: as far as they are known, every two seconds, and when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from skelgait.errors import DataError
from skelgait.video.estimator import PoseEstimator
from skelgait.video.people import OnlineTracks, RawTrack
from skelgait.video.reading import Video
from skelgait.video.tracks import SHORTEST_TRACK, VideoCounts, VideoTrack, detect_people, measured_track

SECONDS_BETWEEN_UPDATES = 2.0
"""Time in the video after which the running tracks are yielded again, in seconds."""
# Number of the last frames of a running track that are used: two gait cycles at 30 frames per second.
_LAST_FRAMES = 60


@dataclass(frozen=True)
class TrackUpdate:
    """Track of a person, up to now.

    Attributes:
        number: number of the person in the order of the first update, from 1.
        is_over: True if the track has ended.
        first_s: time of the first frame in seconds.
        n_frames: number of frames.
        track: the track; of a running one, the last frames.
    """

    number: int
    is_over: bool
    first_s: float
    n_frames: int
    track: VideoTrack


class TrackFollower:
    """Tracks of the videos of one camera or of one file; people are numbered on.

    Args:
        estimator: pose estimator.
        counts: filled meanwhile; of all videos together.
        min_frames: number of frames below which a track is marked.
        min_height_px: height in pixels below which a track is marked.
        longest_occlusion_s: see `skelgait.video.people.OnlineTracks`.
    """

    def __init__(
        self,
        estimator: PoseEstimator,
        counts: VideoCounts,
        min_frames: int,
        min_height_px: int,
        longest_occlusion_s: float,
    ) -> None:
        self._estimator, self._counts = estimator, counts
        self._least = min_frames, min_height_px
        self._longest_occlusion_s = longest_occlusion_s
        self._free = count(1)
        self._numbers: dict[tuple[int, int], int] = {}

    def follow(self, video: Video, stop: Callable[[], bool] = lambda: False) -> Iterator[list[TrackUpdate]]:
        """Yield the updates of each frame: tracks that end, and every two seconds the running ones; then the last ones.

        Raises:
            DataError: if the video has no frame, or cannot be read.
        """
        people = OnlineTracks(longest_occlusion_s=self._longest_occlusion_s)
        last_s: float | None = None
        try:
            for frame, detected in detect_people(video.frames(stop), self._estimator, self._counts):
                updates = list(self._ended(people.add(frame, detected)))
                last_s = frame.time_s if last_s is None else last_s
                if frame.time_s - last_s >= SECONDS_BETWEEN_UPDATES:
                    updates += self._running(people, last_s)
                    last_s += (frame.time_s - last_s) // SECONDS_BETWEEN_UPDATES * SECONDS_BETWEEN_UPDATES
                yield updates
        except DataError:
            yield list(self._ended(people.finish()))
            raise
        yield list(self._ended(people.finish()))

    def _running(self, people: OnlineTracks, last_s: float) -> Iterator[TrackUpdate]:
        """Yield the tracks that are seen since the last time."""
        tracks = list(people.running())
        # A track may be joined to an earlier one, whose number it gets.
        starts = {raw.start for raw in tracks}
        self._numbers = {start: number for start, number in self._numbers.items() if start in starts}
        for raw in tracks:
            if len(raw.frames) >= SHORTEST_TRACK and raw.times_s[-1] > last_s:
                yield self._update(raw, is_over=False)

    def _ended(self, tracks: Iterator[RawTrack]) -> Iterator[TrackUpdate]:
        for raw in tracks:
            if len(raw.frames) < SHORTEST_TRACK:
                self._counts.short_tracks += 1
                continue
            yield self._update(raw, is_over=True)
            del self._numbers[raw.start]

    def _update(self, raw: RawTrack, *, is_over: bool) -> TrackUpdate:
        if raw.start not in self._numbers:
            self._numbers[raw.start] = next(self._free)
        last = raw if is_over else raw.last(_LAST_FRAMES)
        track = measured_track(last, self._counts.size, *self._least)
        return TrackUpdate(self._numbers[raw.start], is_over, float(raw.times_s[0]), len(raw.frames), track)
