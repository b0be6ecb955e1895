"""Poses and silhouettes of everybody in videos."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skelgait.errors import DataError
from skelgait.pipelines.video_folders import VideoFolders
from skelgait.runtime.advance import Advance, Progress, silent_progress
from skelgait.runtime.stopping import stop_request
from skelgait.settings.video import VideoSettings
from skelgait.storage import Key
from skelgait.storage.names import file_stem
from skelgait.video.estimator import MakeEstimator
from skelgait.video.index import Index, read_index, write_index
from skelgait.video.preview import write_preview
from skelgait.video.quality import QUALITY_HINT
from skelgait.video.reading import ASSUMED_FPS, Video, open_video
from skelgait.video.sources import VideoSource
from skelgait.video.spool import SpooledTrack, spool_track
from skelgait.video.tracks import VideoCounts, find_tracks

# Share of the declared frames that a whole video has at least.
_WHOLE = 0.98


@dataclass
class VideoReport:
    """Result of reading videos.

    Attributes:
        sequences: facts of each sequence written in this run.
        videos: number of videos read in this run.
        skipped: number of videos that were finished before.
        failed: videos that gave no sequence, each with the reason.
        warnings: one sentence for each doubt.
        frames: number of frames read.
        short_tracks: number of people seen in too few frames, dropped.
        stages: seconds in each stage.
        seconds: time taken.
    """

    sequences: dict[Key, dict[str, Any]] = field(default_factory=dict)
    videos: int = 0
    skipped: int = 0
    failed: list[tuple[Key, str]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    frames: int = 0
    short_tracks: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def read_videos(
    videos: Mapping[Key, VideoSource],
    folders: VideoFolders,
    config: VideoSettings,
    make_estimator: MakeEstimator,
    *,
    progress: Progress = silent_progress,
) -> VideoReport:
    """Write each person in each video as a sequence: poses, and silhouettes if the estimator has masks.

    The view of a sequence is that of the video and the number of the person: `00-p1`. Numbers are by prominence, as in
    `skelgait poses --people all`. A video is written when all of it is read. Finished videos are skipped in the next
    run, unless their files changed. A stream ends with Ctrl-C.

    Args:
        videos: videos by the key that names them.
        folders: folders to write.
        config: settings.
        make_estimator: makes the pose estimator of each video.
        progress: shows the frames.

    Raises:
        SettingsError: if a folder holds sequences from elsewhere, or made with other settings.
        DataError: if a folder cannot be written, or another run writes there. Finished videos are kept.
    """
    start, report = time.perf_counter(), VideoReport()
    with folders.prepared(config):
        index = {} if config.overwrite else read_index(folders.poses)
        pending = {key: source for key, source in videos.items() if not _is_finished(index, key, source, folders)}
        report.skipped = len(videos) - len(pending)
        with progress(_count_frames(pending), "Reading videos", "frames") as advance:
            for key, source in pending.items():
                try:
                    job = _VideoJob(key, source, folders, config, report)
                    index = job.run(index, make_estimator, advance)
                except DataError as error:
                    report.failed.append((key, str(error)))
        if config.preview:
            _write_previews({key: videos[key] for key in videos if str(key) in index}, index, folders, progress, report)
    report.seconds = time.perf_counter() - start
    return report


def _is_finished(index: Index, key: Key, source: VideoSource, folders: VideoFolders) -> bool:
    if str(key) not in index or source.kind == "stream":
        return False
    return index[str(key)].get("modified_ns") == source.modified_ns() and folders.hold(_sequences(index, key))


def _sequences(index: Index, key: Key) -> list[Key]:
    """Return the sequences of a video in the index; none if it is not there."""
    return [Key(*name.split("/")) for name in index.get(str(key), {}).get("sequences", {})]


def _count_frames(videos: Mapping[Key, VideoSource]) -> int | None:
    """Return the number of frames that all videos declare; None if one does not, or cannot be opened."""
    total = 0
    for source in videos.values():
        if source.kind == "stream":
            return None
        try:
            n_frames = open_video(source).n_frames
        except DataError:  # reported when it is read
            continue
        if n_frames is None:
            return None
        total += n_frames
    return total


@dataclass(frozen=True)
class _VideoJob:
    """Reading and writing of one video."""

    key: Key
    source: VideoSource
    folders: VideoFolders
    config: VideoSettings
    report: VideoReport

    def run(self, index: Index, make_estimator: MakeEstimator, advance: Advance) -> Index:
        """Read the video, write its sequences, and return the index with it."""
        modified_ns, video, counts = self.source.modified_ns(), open_video(self.source), VideoCounts()
        with tempfile.TemporaryDirectory() as folder, stop_request() as stop:

            def should_stop() -> bool:
                if not video.is_live:
                    stop.check()
                return stop.wanted

            with closing(make_estimator()) as estimator:
                tracks = find_tracks(
                    video,
                    estimator,
                    counts,
                    min_frames=self.config.min_frames,
                    min_height_px=self.config.min_height,
                    advance=advance,
                    stop=should_stop,
                )
                spooled = [spool_track(track, Path(folder) / f"{n}.npz") for n, track in enumerate(tracks)]
            self._count(video, counts)
            if not spooled:
                found = f"no person in any of {counts.frames} frames"
                hint = "check the video: people must be seen from head to feet, and not be too small"
                raise DataError(self.source.name, found, "a person", hint)
            self.folders.remove(_sequences(index, self.key))
            sequences = self._write(spooled, with_times=video.is_live or not _has_even_steps(video, counts))
            entry = {
                "source": self.source.name,
                "modified_ns": modified_ns,
                "fps": round(_frames_per_second(video, counts), 3),
                "width": counts.size[0],
                "height": counts.size[1],
                "frames": counts.frames,
                "sequences": {str(key): facts for key, facts in sequences.items()},
            }
            index = {**index, str(self.key): entry}
            write_index(self.folders.poses, index)
        self.report.sequences.update(sequences)
        return index

    def _write(self, tracks: list[SpooledTrack], *, with_times: bool) -> dict[Key, dict[str, Any]]:
        """Write the tracks in the order of prominence, marked ones last; return the facts of each sequence."""
        sequences = {}
        short = f"fewer than {self.config.min_frames} frames"
        ordered = sorted(tracks, key=lambda track: (short in track.quality.marks, -track.prominence))
        for number, track in enumerate(ordered, 1):
            key, arrays = self.key._replace(view=f"{self.key.view}-p{number}"), track.load()
            self.folders.write(key, arrays)
            marks = [f"{key}: {mark}, it may not be recognized; {QUALITY_HINT}" for mark in track.quality.marks]
            self.report.warnings += marks
            sequences[key] = {
                "first_s": round(track.first_s, 3),
                "last_s": round(track.last_s, 3),
                "quality": track.quality.as_dict(),
            }
            if with_times:
                sequences[key]["times_s"] = arrays.times_s.round(3).tolist()
        return sequences

    def _count(self, video: Video, counts: VideoCounts) -> None:
        """Add the numbers of a video to the report, and its doubts."""
        report = self.report
        report.videos += 1
        report.frames += counts.frames
        report.short_tracks += counts.short_tracks
        report.stages = {name: report.stages.get(name, 0.0) + n for name, n in counts.seconds.items()}
        report.warnings += [f"{self.source.name}: {doubt}" for doubt in video_doubts(video, counts)]


def video_doubts(video: Video, counts: VideoCounts) -> list[str]:
    """Return what makes the frames of a video doubtful, each with a hint."""
    doubts = []
    if not video.has_fps:
        doubts.append(f"found no frames per second, assumed {ASSUMED_FPS:.0f}")
    if video.n_frames and counts.frames < _WHOLE * video.n_frames:
        doubts.append(f"found {counts.frames} of {video.n_frames} frames, the others are damaged; copy the file again")
    if counts.skipped_frames:
        found = f"read {counts.frames} of {counts.frames + counts.skipped_frames} frames, the others came too fast"
        doubts.append(f"{found}; record it to a file, and read that")
    if not (video.is_live or _has_even_steps(video, counts)):
        shortest, longest = (1000 * step for step in counts.steps_s)
        hint = f"for even steps run: ffmpeg -i INPUT -vf fps={video.fps:.0f} video.mp4"
        doubts.append(f"found {shortest:.0f} to {longest:.0f} ms from frame to frame; {hint}")
    return doubts


def _frames_per_second(video: Video, counts: VideoCounts) -> float:
    """Return the frames per second that the video declares; of a live video, which only guesses, those read."""
    return (counts.frames - 1) / counts.last_s if video.is_live and counts.last_s > 0 else video.fps


def _has_even_steps(video: Video, counts: VideoCounts) -> bool:
    return counts.steps_s[1] <= counts.steps_s[0] + 0.5 / video.fps


def _write_previews(
    videos: Mapping[Key, VideoSource], index: Index, folders: VideoFolders, progress: Progress, report: VideoReport
) -> None:
    with progress(len(videos), "Drawing previews", "videos") as advance:
        for key, source in videos.items():
            if source.kind == "stream":
                report.warnings.append(f"{source.name}: found a stream, which is not seen twice; it has no preview")
                continue
            tracks = [
                folders.drawn(sequence, f"p{number}") for number, sequence in enumerate(_sequences(index, key), 1)
            ]
            write_preview(folders.previews / f"{file_stem(key)}.mp4", open_video(source), tracks)
            advance(1)
