"""Pipeline of `skelgait identify --watch`: a folder, camera or stream, whose people are named as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.pipelines.match_worker import MatchWorker
from skelgait.pipelines.track_matcher import TrackMatcher
from skelgait.pipelines.video import video_doubts
from skelgait.pipelines.watch_events import TrackMatch, VideoEnd, WatchEnd, WatchEvent, WatchStart
from skelgait.runtime.process_group import process_group
from skelgait.settings import Settings
from skelgait.video.arrivals import SETTLED_S, finished_videos
from skelgait.video.estimator import MakeEstimator, PoseEstimator
from skelgait.video.live import LONGEST_OCCLUSION_S, LiveStream
from skelgait.video.reading import open_video
from skelgait.video.registry import load_estimator
from skelgait.video.sources import find_videos, name_video, stream_at
from skelgait.video.tracks import VideoCounts
from skelgait.video.updates import TrackFollower


def watch(
    settings: Settings, location: str, stop: Callable[[], bool], settled_s: float = SETTLED_S
) -> Iterator[WatchEvent]:
    """Identify the people in a folder of videos, at a camera or in a stream, until a stop is requested.

    A track gives a provisional match every two seconds, and its match when it ends; all tracks end with the stop.

    Args:
        settings: settings; the section `identify` gives the gallery, `video` the estimator.
        location: folder into which videos are put, number of a camera, or address of a stream.
        stop: function that returns True to end; called from several threads.
        settled_s: time in which the size of a finished video does not change, in seconds.

    Yields:
        `WatchStart`, a `TrackMatch` for each match, a `VideoEnd` for each video of a folder, and `WatchEnd`.

    Raises:
        DataError: if the folder, camera or stream cannot be opened at first, or the gallery cannot be read.
        CheckpointError: if there is no checkpoint, or if it is not that of the gallery.
        SettingsError: if the location is a file, there are several processes, or the pose estimator is not installed.
    """
    if process_group().size > 1:
        raise SettingsError("--watch", f"{process_group().size} processes", "one process", "leave out --nproc")
    stream = stream_at(location)
    if stream is None and not Path(location).is_dir():
        found = f"{location}, which is {'a file' if Path(location).exists() else 'not there'}"
        expected = "a folder, the number of a camera, or the address of a stream"
        raise SettingsError("--watch", found, expected, "check the path, or leave out --watch for a file")
    config = settings.video
    make_estimator = load_estimator(config.estimator, config.model, config.max_people)
    job = _Watch(settings, TrackMatcher(settings), make_estimator, stop)
    live = LiveStream(stream, stop) if stream else None
    start, enrolled = time.monotonic(), job.matcher.enrolled
    yield WatchStart(stream.name if stream else location, job.matcher.gallery, enrolled.n_people, enrolled.threshold)
    yield from job.stream(live) if live else job.folder(Path(location), settled_s)
    job.end.seconds = round(time.monotonic() - start, 1)
    yield job.end


@dataclass(frozen=True)
class _Watch:
    """Watch that runs."""

    settings: Settings
    matcher: TrackMatcher
    make_estimator: MakeEstimator
    stop: Callable[[], bool]
    end: WatchEnd = field(default_factory=WatchEnd)

    def stream(self, live: LiveStream) -> Iterator[WatchEvent]:
        """Yield the matches of a camera or stream."""
        (key,) = find_videos([live.source.location])
        counts = VideoCounts()
        with closing(self.make_estimator()) as estimator:
            follower = self._follower(estimator, counts, LONGEST_OCCLUSION_S)
            with MatchWorker(self.matcher, live.source.name, key) as worker:
                while not self.stop():
                    for updates in follower.follow(live.next_video(), self.stop):
                        worker.submit(updates)
                        yield from map(self._counted, worker.finished())
                    yield from map(self._counted, worker.all_others())
        self.end.drops = live.n_drops
        self._count(counts)

    def folder(self, root: Path, settled_s: float) -> Iterator[WatchEvent]:
        """Yield the matches and the end of each video in a folder."""
        self.end.videos = 0
        for path in finished_videos(root, self.stop, settled_s):
            yield from self._file(path, root)

    def _file(self, path: Path, root: Path) -> Iterator[WatchEvent]:
        counts, n_tracks, problem, doubts = VideoCounts(), 0, "", tuple[str, ...]()
        try:
            key, source = name_video(path, root, self.settings.video.names)
            video = open_video(source)
            with closing(self.make_estimator()) as estimator:
                for updates in self._follower(estimator, counts).follow(video, self.stop):
                    for update in updates:
                        n_tracks += update.is_over
                        yield self._counted(self.matcher.match(source.name, key, update))
            doubts = tuple(video_doubts(video, counts)) if not self.stop() else ()
        except DataError as error:
            problem = str(error)
        self._count(counts)
        assert self.end.videos is not None
        self.end.videos += 1
        self.end.failed += bool(problem)
        yield VideoEnd(str(path), counts.frames, n_tracks, problem, doubts)

    def _follower(
        self, estimator: PoseEstimator, counts: VideoCounts, longest_occlusion_s: float = float("inf")
    ) -> TrackFollower:
        config = self.settings.video
        return TrackFollower(estimator, counts, config.min_frames, config.min_height, longest_occlusion_s)

    def _counted(self, match: TrackMatch) -> TrackMatch:
        if not match.is_provisional:
            self.end.count(match)
        return match

    def _count(self, counts: VideoCounts) -> None:
        self.end.frames += counts.frames
        self.end.skipped_frames += counts.skipped_frames
        self.end.short_tracks += counts.short_tracks
