"""Tracks in temporary files, until all of their video is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.walker_selection import prominence_of_track
from skelgait.video.quality import Quality
from skelgait.video.tracks import VideoTrack


class SpooledTrack(NamedTuple):
    """Track in a temporary file.

    Attributes:
        file: file of the arrays.
        prominence: prominence of the person, see `skelgait.raw.poses.walker_selection.RankedTrack`.
        quality: quality of the track.
        first_s: time of the first frame in the video, in seconds.
        last_s: time of the last frame in the video, in seconds.
    """

    file: Path
    prominence: float
    quality: Quality
    first_s: float
    last_s: float

    def load(self) -> SequenceArrays:
        """Return the arrays."""
        with np.load(self.file) as arrays:
            return SequenceArrays(*(arrays[name] for name in SequenceArrays._fields))


class SequenceArrays(NamedTuple):
    """Arrays of a track, see `skelgait.video.tracks.VideoTrack`."""

    poses: NDArray[np.float32]
    frames: NDArray[np.int64]
    times_s: NDArray[np.float64]
    silhouettes: NDArray[np.uint8]
    silhouette_frames: NDArray[np.int64]


def spool_track(track: VideoTrack, file: Path) -> SpooledTrack:
    """Write a track to a temporary file."""
    arrays: dict[str, NDArray[Any]] = {name: getattr(track, name) for name in SequenceArrays._fields}
    np.savez(file, allow_pickle=False, **arrays)
    prominence = prominence_of_track(track.poses, track.alone)
    return SpooledTrack(file, prominence, track.quality, float(track.times_s[0]), float(track.times_s[-1]))
