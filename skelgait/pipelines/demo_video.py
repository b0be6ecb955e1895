"""Demo on a video: people, skeleton maps, and how alike the people are to a network of synthetic walkers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.maps import skeleton_maps
from skelgait.matching.distances import distance_matrix
from skelgait.pipelines.demo_steps import DemoSteps
from skelgait.pipelines.embedder import Embedder
from skelgait.pipelines.first_network import RATE_HZ, STEPS, find_first_network
from skelgait.pipelines.video_probes import read_people
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.settings import Settings
from skelgait.storage import Key, SequenceSource, open_source
from skelgait.storage.lock import lock_folder
from skelgait.video.index import IndexedTrack, read_tracks
from skelgait.video.quality import QUALITY_HINT
from skelgait.viz.contact_sheet import Strip, save_sheet

MIN_FRAMES = 4
"""Number of frames, at the rate of the network, that each half of a person has at least, as in training."""
_QUICK_STEPS = 2
_SHEET_PEOPLE = 8


@dataclass(frozen=True)
class VideoDemoReport:
    """Result of the demo on a video.

    Attributes:
        out: folder of all output.
        tracks: each person, with times and quality.
        compared: N people who are seen long enough to be compared.
        distances: (N, N) distances from the first half of each person (row) to the second half of each (column).
        sheet: image of skeleton maps.
        network: checkpoint of the network.
        seconds: time taken.
    """

    out: Path
    tracks: dict[Key, IndexedTrack]
    compared: list[Key]
    distances: NDArray[np.float32]
    sheet: Path
    network: Path
    seconds: float

    def nearest(self) -> dict[Key, Key]:
        """Return the person whose second half is nearest to the first half of each person."""
        return {key: self.compared[int(row.argmin())] for key, row in zip(self.compared, self.distances, strict=True)}


def run_video_demo(
    video: Path,
    settings: Settings,
    progress: Progress = silent_progress,
    announce: Callable[[str], None] | None = None,
) -> VideoDemoReport:
    """Find the people in a video, and compare the first half of each with the second half of each, on the CPU.

    Args:
        video: video file.
        settings: settings; `demo` gives the output folder and the seed, `video` the pose estimator. An earlier demo in
            the folder is replaced, or continued with `resume`.
        progress: shows the progress of each step; default: nothing is shown.
        announce: called with the number and name of each step before it starts; default: not called.

    Raises:
        DataError: if the video cannot be read, nobody is in it, or nobody is seen for 1.3 seconds; or if the folder
            cannot be written or contains other files.
        SettingsError: if the pose estimator is not installed.
    """
    if not video.is_file():
        raise DataError(video, "no such file", "a video file", "check --video")
    with lock_folder(settings.demo.out):
        return _run(video, settings, progress, announce)


def _run(
    video: Path, settings: Settings, progress: Progress, announce: Callable[[str], None] | None
) -> VideoDemoReport:
    start, config = time.perf_counter(), settings.demo
    sheet = config.out / "maps.png"
    steps = DemoSteps(config, 4, announce)
    steps.run("People in the video", lambda: _read_people(video, settings, progress))
    poses = open_source(config.out / "poses", "pose")
    tracks = read_tracks(config.out / "poses")
    steps.run("Picture of skeleton maps", lambda: _save_sheet(sheet, poses, list(tracks)))
    steps.announce("Network of synthetic walkers (trained once)")
    network = find_first_network(config.seed, _QUICK_STEPS if config.quick else STEPS, progress)
    steps.announce("Comparison of first and second halves")
    halves = {key: pair for key, track in tracks.items() if (pair := _halves(poses, key, track)) is not None}
    if not halves:
        found = f"nobody who is seen for {2 * MIN_FRAMES / RATE_HZ:.1f} seconds"
        raise DataError(video, found, "a person to compare", QUALITY_HINT)
    embedder = Embedder(network, device="cpu")
    first, second = (embedder([pair[half] for pair in halves.values()]) for half in (0, 1))
    distances = np.asarray(distance_matrix(first, second))
    return VideoDemoReport(config.out, tracks, list(halves), distances, sheet, network, time.perf_counter() - start)


def _read_people(video: Path, settings: Settings, progress: Progress) -> None:
    read_people(str(video), settings.demo.out, settings, progress)


def _save_sheet(path: Path, poses: SequenceSource, keys: list[Key]) -> None:
    strips = [Strip(key.view, skeleton_maps(poses.read(key)[0]).maps) for key in keys[:_SHEET_PEOPLE]]
    save_sheet(path, strips)


def _halves(
    poses: SequenceSource, key: Key, track: IndexedTrack
) -> tuple[NDArray[np.floating], NDArray[np.floating]] | None:
    """Return both halves of a person at the rate of the network; None if they are too short."""
    (frames,) = poses.read(key)
    fps = (len(frames) - 1) / max(track.last_s - track.first_s, 1e-3)
    frames = frames[:: max(1, round(fps / RATE_HZ))]
    middle = len(frames) // 2
    return (frames[:middle], frames[middle:]) if middle >= MIN_FRAMES else None
