"""Sequences of the people in videos, for identification and enrollment."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.pipelines.video import read_videos
from skelgait.pipelines.video_folders import VideoFolders
from skelgait.preprocess.maps import draw_dataset
from skelgait.preprocess.pairs import pair_sequences, write_pairs
from skelgait.raw.file_tree import walk_folders
from skelgait.runtime.advance import Progress
from skelgait.runtime.process_group import process_group
from skelgait.settings import Settings
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource, open_pairs, open_source
from skelgait.video.index import IndexedTrack
from skelgait.video.quality import check_quality
from skelgait.video.registry import load_estimator
from skelgait.video.sources import VIDEO_SUFFIXES, find_videos, stream_at

log = logging.getLogger(__name__)


def is_video(path: Path) -> bool:
    """Return True for a video file."""
    return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()


def holds_videos(path: Path) -> bool:
    """Return True for a folder with a video file in it or below."""
    folders = walk_folders(path, "*") if path.is_dir() else ()
    return any(is_video(folder.path / name) for folder in folders for name in folder.names)


def read_people(location: str, folder: Path, settings: Settings, progress: Progress) -> SequenceSource:
    """Return the poses of the people in videos; their silhouettes are beside them, if the estimator has masks.

    Args:
        location: video file, folder of videos, number of a camera, or address of a stream, which is read until it ends
            or Ctrl-C.
        folder: folder for `poses` and `silhouettes`.
        settings: settings; the section `video` gives the estimator.
        progress: shows the frames.

    Raises:
        DataError: if no video can be read, or nobody is in them.
        SettingsError: if the estimator is not installed, or there are several processes.
    """
    n_processes = process_group().size
    if n_processes > 1:
        expected = "1 for videos, which are read by one process"
        raise SettingsError("--nproc", str(n_processes), expected, "leave out --nproc")
    config = settings.video
    videos = find_videos([location], config.names)
    estimator = load_estimator(config.estimator, config.model, config.max_people)
    folders = VideoFolders(folder / "poses", folder / "silhouettes", folder / "previews")
    once = config.model_copy(update={"preview": False})
    report = read_videos(videos, folders, once, estimator, progress=progress)
    if not report.sequences:
        key, reason = report.failed[0]
        name = next(iter(videos.values())).name if stream_at(location) else location
        raise DataError(name, f"{key}: {reason}", "a video with a person", "see `skelgait video`")
    marked = tuple(f"{key}: " for key in report.sequences)  # marks are told when the sequences are used
    doubts = [warning for warning in report.warnings if not warning.startswith(marked)]
    for text in [*doubts, *(f"{key}: {reason}" for key, reason in report.failed)]:
        log.warning("%s", text)
    return open_source(folder / "poses", "pose")


def pairs_of_people(poses: SequenceSource, folder: Path, config: HeatmapSettings) -> SequenceSource | None:
    """Return maps and silhouettes of the people in videos, linked by frame; None if there are no silhouettes.

    Args:
        poses: result of `read_people`.
        folder: its folder.
        config: settings of the maps.

    Raises:
        DataError: if no sequence can be drawn.
    """
    if not any((folder / "silhouettes").glob("*/*/*/*.pkl")):
        return None
    silhouettes = open_source(folder / "silhouettes", "silhouette")
    once = {"storage": "pkl", "device": "cpu", "workers": 1, "preview": 0, "overwrite": False}
    draw_dataset(poses, folder / "maps", config.model_copy(update=once))
    maps = open_source(folder / "maps", "map")
    pairing = pair_sequences(maps, silhouettes, on_mismatch="match-by-frame")
    write_pairs(pairing, maps, silhouettes, folder / "pairs", silhouette_pattern=None)
    return open_pairs(folder / "pairs")


def usable_keys(keys: Sequence[Key], tracks: Mapping[Key, IndexedTrack], path: PathLike) -> list[Key]:
    """Return the sequences that are good enough to be identified or enrolled; log a warning for all doubts.

    Args:
        keys: sequences.
        tracks: facts of those that are from videos.
        path: path of the sequences, for messages.

    Raises:
        DataError: if all are below a floor, see `skelgait.video.quality.check_quality`.
    """
    usable, refused = [], list[DataError]()
    for key in keys:
        try:
            notes = check_quality(tracks[key].quality, f"{path}: {key}") if key in tracks else []
        except DataError as error:
            refused.append(error)
            continue
        usable.append(key)
        for note in notes:
            log.warning("%s", note)
    if refused and not usable:
        raise refused[0]
    for refusal in refused:
        log.warning("%s; left out", refusal)
    return usable
