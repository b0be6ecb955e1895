"""Poses and silhouettes of everybody in videos."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from skelgait.errors import DataError
from skelgait.raw.poses.walker_selection import prominence_of_track
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.runtime.stopping import stop_request
from skelgait.settings.video import VideoSettings
from skelgait.storage import Key, PickleTree, PickleTreeWriter
from skelgait.storage.backends import find_backend
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, prepare_folder
from skelgait.storage.names import file_stem
from skelgait.video.estimator import MakeEstimator
from skelgait.video.index import Index, read_index, write_index
from skelgait.video.preview import DrawnTrack, write_preview
from skelgait.video.quality import Quality
from skelgait.video.reading import ASSUMED_FPS, Video, open_video
from skelgait.video.sources import VideoSource
from skelgait.video.tracks import VideoCounts, VideoTrack, find_tracks

# Videos are added one by one: they have no common source that a later run could be compared with.
_SOURCE = "videos"
_SIZE_PX = 64
_HINT = "choose another folder with --out, or use --overwrite"
# Share of the declared frames that a whole video has at least.
_WHOLE = 0.98


class VideoFolders(NamedTuple):
    """Folders that are written.

    Attributes:
        poses: folder of the poses, and of the index.
        silhouettes: folder of the silhouettes.
        previews: folder of the previews.
    """

    poses: Path
    silhouettes: Path
    previews: Path


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


class _Spooled(NamedTuple):
    """Track in a temporary file."""

    file: Path
    prominence: float
    is_short: bool
    quality: Quality
    first_s: float
    last_s: float


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
    with lock_folder(folders.poses), lock_folder(folders.silhouettes):
        _prepare(folders, config)
        index = {} if config.overwrite else read_index(folders.poses)
        pending = {key: source for key, source in videos.items() if not _is_finished(index, key, source, folders.poses)}
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


def _prepare(folders: VideoFolders, config: VideoSettings) -> None:
    settings = {
        "estimator": config.estimator,
        "model": config.model.name if config.model else None,
        "max_people": config.max_people,
    }
    poses, silhouettes = DatasetMetadata(_SOURCE, settings), DatasetMetadata(_SOURCE, {**settings, "size_px": _SIZE_PX})
    prepare_folder(folders.poses, poses, "pose", overwrite=config.overwrite, hint=_HINT)
    prepare_folder(folders.silhouettes, silhouettes, "silhouette", overwrite=config.overwrite, hint=_HINT)


def _is_finished(index: Index, key: Key, source: VideoSource, poses: Path) -> bool:
    entry = index.get(str(key))
    if entry is None or source.kind == "stream" or entry.get("modified_ns") != source.modified_ns():
        return False
    tree = PickleTreeWriter(poses)
    return all(tree.file(Key(*name.split("/"))).is_file() for name in entry["sequences"])


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

    def run(self, index: Index, make_estimator: MakeEstimator, advance: Callable[..., None]) -> Index:
        """Read the video, write its sequences, and return the index with it."""
        modified_ns, video, counts = self.source.modified_ns(), open_video(self.source), VideoCounts()
        with tempfile.TemporaryDirectory() as folder, closing(make_estimator()) as estimator, stop_request() as stop:
            is_stream = self.source.kind == "stream"

            def should_stop() -> bool:
                if not is_stream:
                    stop.check()
                return stop.wanted

            tracks = find_tracks(
                video,
                estimator,
                counts,
                min_frames=self.config.min_frames,
                min_height_px=self.config.min_height,
                advance=advance,
                stop=should_stop,
            )
            spooled = [self._spool(track, Path(folder) / f"{n}.npz") for n, track in enumerate(tracks)]
            self._note(video, counts)
            if not spooled:
                found = f"no person in any of {counts.frames} frames"
                hint = "check the video: people must be seen from head to feet, and not be too small"
                raise DataError(self.source.location, found, "a person", hint)
            spooled.sort(key=lambda track: (track.is_short, -track.prominence))
            self._remove_earlier(index)
            sequences = {
                self.key._replace(view=f"{self.key.view}-p{number}"): track for number, track in enumerate(spooled, 1)
            }
            for key, track in sequences.items():
                self._write(key, track)
        entry = {
            "source": self.source.location,
            "modified_ns": modified_ns,
            "fps": round(video.fps, 3),
            "width": counts.size[0],
            "height": counts.size[1],
            "frames": counts.frames,
            "sequences": {str(key): _facts(track) for key, track in sequences.items()},
        }
        index = {**index, str(self.key): entry}
        write_index(self.folders.poses, index)
        self.report.sequences.update({key: {**_facts(track)} for key, track in sequences.items()})
        return index

    def _spool(self, track: VideoTrack, file: Path) -> _Spooled:
        np.savez(
            file,
            poses=track.poses,
            frames=track.frames,
            silhouettes=track.silhouettes,
            silhouette_frames=track.silhouette_frames,
        )
        is_short = len(track.frames) < self.config.min_frames
        prominence = prominence_of_track(track.poses, track.alone)
        return _Spooled(file, prominence, is_short, track.quality, float(track.times_s[0]), float(track.times_s[-1]))

    def _write(self, key: Key, track: _Spooled) -> None:
        with np.load(track.file) as arrays:
            names, masked = ([f"{n:06d}" for n in arrays[name]] for name in ("frames", "silhouette_frames"))
            if masked:
                PickleTreeWriter(self.folders.silhouettes).write(key, arrays["silhouettes"], frame_names=masked)
            PickleTreeWriter(self.folders.poses).write(key, arrays["poses"], frame_names=names)
        self.report.warnings += [f"{key}: {mark}; it may not be recognized" for mark in track.quality.marks]

    def _remove_earlier(self, index: Index) -> None:
        """Remove the sequences of an earlier state of the video."""
        earlier = index.get(str(self.key), {}).get("sequences", {})
        keys = [Key(*name.split("/")) for name in earlier]
        for folder, modality in ((self.folders.poses, "pose"), (self.folders.silhouettes, "silhouette")):
            writer = find_backend("pkl").writer(folder, modality, DatasetMetadata(_SOURCE, {}))  # type: ignore[arg-type]
            writer.remove(keys)

    def _note(self, video: Video, counts: VideoCounts) -> None:
        """Add the numbers of a video to the report, and its doubts."""
        report, where = self.report, self.source.location
        report.videos += 1
        report.frames += counts.frames
        report.short_tracks += counts.short_tracks
        report.stages = {name: report.stages.get(name, 0.0) + n for name, n in counts.seconds.items()}
        if not video.has_fps:
            report.warnings.append(f"{where}: found no frames per second, assumed {ASSUMED_FPS:.0f}")
        if video.n_frames and counts.frames < _WHOLE * video.n_frames:
            found = f"found {counts.frames} of {video.n_frames} frames, the others are damaged"
            report.warnings.append(f"{where}: {found}; copy the file again")
        shortest, longest = counts.steps_s
        if longest > shortest + 0.5 / video.fps:
            found = f"found {1000 * shortest:.0f} to {1000 * longest:.0f} ms from frame to frame"
            hint = f"for even steps run: ffmpeg -i INPUT -vf fps={video.fps:.0f} video.mp4"
            report.warnings.append(f"{where}: {found}; {hint}")


def _facts(track: _Spooled) -> dict[str, Any]:
    return {
        "first_s": round(track.first_s, 3),
        "last_s": round(track.last_s, 3),
        "quality": track.quality.as_dict(),
    }


def _write_previews(
    videos: Mapping[Key, VideoSource], index: Index, folders: VideoFolders, progress: Progress, report: VideoReport
) -> None:
    tree = PickleTree(folders.poses, {"pose": "*.pkl"})
    with progress(len(videos), "Drawing previews", "videos") as advance:
        for key, source in videos.items():
            if source.kind == "stream":
                report.warnings.append(f"{source.location}: found a stream, which is not seen twice; it has no preview")
                continue
            tracks = [
                _drawn(tree, Key(*name.split("/")), f"p{number}")
                for number, name in enumerate(index[str(key)]["sequences"], 1)
            ]
            write_preview(folders.previews / f"{file_stem(key)}.mp4", open_video(source), tracks)
            advance(1)


def _drawn(tree: PickleTree, key: Key, label: str) -> DrawnTrack:
    (poses,) = tree.read(key)
    names = tree.frame_names(key) or []
    return DrawnTrack(label, {int(name): body for name, body in zip(names, poses, strict=True)})
