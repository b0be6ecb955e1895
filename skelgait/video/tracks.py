"""Tracks of the people in a video: poses, silhouettes and quality, one person after the other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from skelgait.runtime.advance import Advance, no_progress
from skelgait.video.estimator import Person, PoseEstimator
from skelgait.video.people import OnlineTracks, RawTrack
from skelgait.video.quality import Quality, measure_quality
from skelgait.video.reading import Frame, Video

SHORTEST_TRACK = 5
"""Number of detections below which a track is dropped: estimators find people in single frames who are not there."""


@dataclass(frozen=True)
class VideoTrack:
    """One person in a video.

    Attributes:
        frames: indices of the T frames with the person, ascending.
        times_s: T times since the first frame of the video, in seconds.
        poses: (T, 17, 3) COCO-17 joints: x px, y px, confidence.
        silhouettes: (N, S, S) aligned silhouettes, 0 to 255; N <= T.
        silhouette_frames: indices of the N frames with a silhouette.
        alone: True for each of the T frames in which nobody else is seen.
        joins: number of joins after an occlusion.
        quality: quality of the track.
    """

    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    poses: NDArray[np.float32]
    silhouettes: NDArray[np.uint8]
    silhouette_frames: NDArray[np.int64]
    alone: NDArray[np.bool_]
    joins: int
    quality: Quality


@dataclass
class VideoCounts:
    """Numbers about a video, complete when its last track is handed on.

    Attributes:
        frames: number of frames.
        skipped_frames: number of frames of a live video that came faster than they were read.
        short_tracks: number of tracks below `SHORTEST_TRACK`, dropped.
        size: width and height in pixels.
        last_s: time of the last frame, in seconds.
        steps_s: shortest and longest time from one frame to the next, in seconds.
        seconds: time of each stage: "estimator", "waiting" (for decoded frames), "tracking" (and all else).
    """

    frames: int = 0
    skipped_frames: int = 0
    short_tracks: int = 0
    size: tuple[int, int] = (0, 0)
    last_s: float = 0.0
    steps_s: tuple[float, float] = (np.inf, 0.0)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("estimator", "waiting", "tracking"), 0.0))


def find_tracks(
    video: Video,
    estimator: PoseEstimator,
    counts: VideoCounts,
    *,
    min_frames: int = 15,
    min_height_px: int = 64,
    advance: Advance = no_progress,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[VideoTrack]:
    """Yield each person of a video, as soon as the track has ended.

    Args:
        video: opened video; read once.
        estimator: estimator that has seen no frame.
        counts: filled meanwhile.
        min_frames: number of frames below which a track is marked.
        min_height_px: height in pixels below which a track is marked.
        advance: called with the number of frames read.
        stop: function that returns True to end before the next frame.

    Raises:
        DataError: if the video has no frame, or cannot be read.
    """
    people = OnlineTracks()

    def raw_tracks() -> Iterator[RawTrack]:
        for frame, detected in detect_people(video.frames(stop), estimator, counts, advance):
            yield from people.add(frame, detected)
        yield from people.finish()

    for raw in raw_tracks():
        if len(raw.frames) < SHORTEST_TRACK:
            counts.short_tracks += 1
        else:
            yield measured_track(raw, counts.size, min_frames, min_height_px)


def detect_people(
    frames: Iterator[Frame], estimator: PoseEstimator, counts: VideoCounts, advance: Advance = no_progress
) -> Iterator[tuple[Frame, list[Person]]]:
    """Yield each frame with the people in it; count frames, and the time of each stage."""
    clock = time.perf_counter()
    seconds = counts.seconds
    for frame in frames:
        read = time.perf_counter()
        detected = estimator(frame.image, frame.time_s)
        done = time.perf_counter()
        seconds["waiting"] += read - clock
        seconds["estimator"] += done - read
        counts.size = frame.image.shape[1], frame.image.shape[0]
        if counts.frames:
            step = frame.time_s - counts.last_s
            counts.steps_s = min(counts.steps_s[0], step), max(counts.steps_s[1], step)
        counts.last_s = frame.time_s
        counts.frames += 1
        counts.skipped_frames += frame.skipped
        yield frame, detected
        advance(1)
        clock = time.perf_counter()
        seconds["tracking"] += clock - done


def measured_track(raw: RawTrack, size: tuple[int, int], min_frames: int, min_height_px: int) -> VideoTrack:
    """Return a track with its quality, see `skelgait.video.quality.measure_quality`."""
    has_mask = np.array([silhouette is not None for silhouette in raw.silhouettes], bool)
    silhouettes = [silhouette for silhouette in raw.silhouettes if silhouette is not None]
    return VideoTrack(
        raw.frames,
        raw.times_s,
        raw.poses,
        np.stack(silhouettes) if silhouettes else np.zeros((0, 64, 64), np.uint8),
        raw.frames[has_mask],
        raw.alone,
        raw.joins,
        measure_quality(raw.poses, raw.times_s, size, min_frames, min_height_px),
    )
