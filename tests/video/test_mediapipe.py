"""MediaPipe on real videos; skipped without the videos, the package or a model."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from skelgait.storage.cache import cache_folder
from skelgait.video.estimator import MakeEstimator
from skelgait.video.reading import Frame, open_video
from skelgait.video.registry import load_estimator
from skelgait.video.sources import VideoSource
from skelgait.video.tracks import VideoCounts, VideoTrack, find_tracks
from tests.conftest import SHARED

pytestmark = pytest.mark.slow
VIDEOS = SHARED / "data" / "video"


@pytest.fixture(scope="module")
def estimator() -> MakeEstimator:
    """Return MediaPipe's estimator, or skip."""
    pytest.importorskip("mediapipe", reason='no mediapipe: pip install "skelgait[video]"')
    model = os.environ.get("MEDIAPIPE_MODEL")
    if model is None and not (cache_folder() / "pose_landmarker_full.task").is_file():
        pytest.skip("no model: set MEDIAPIPE_MODEL to a bundle, or to a wheel of mediapipe 0.10.21")
    return load_estimator("mediapipe", Path(model) if model else None, 4)


def tracks_of(name: str, make: MakeEstimator) -> list[VideoTrack]:
    if not (VIDEOS / name).is_file():
        pytest.skip(f"no video {VIDEOS / name}")
    estimator, counts = make(), VideoCounts()
    tracks = list(find_tracks(open_video(VideoSource(str(VIDEOS / name), "file")), estimator, counts))
    estimator.close()
    assert counts.seconds["estimator"] > 0.9 * sum(counts.seconds.values())
    return sorted(tracks, key=lambda track: -len(track.frames))


def test_a_walker_and_a_bystander_are_told_apart(estimator: MakeEstimator) -> None:
    bystander, walker = tracks_of("walk.mp4", estimator)[:2]
    assert len(bystander.frames) > 150
    assert len(walker.frames) > 120
    assert walker.quality.view == "side"
    assert 3 < walker.quality.gait_cycles < 5
    assert bystander.quality.gait_cycles == 0
    # One stands on a wall, the other one walks from right to left below.
    assert np.median(bystander.poses[:, :, 1]) < 400 < np.median(walker.poses[:, :, 1])
    assert walker.poses[-5, 11, 0] < walker.poses[5, 11, 0] - 500
    assert len(walker.silhouettes) == len(walker.frames)


def test_two_people_in_a_portrait_video_are_two_tracks(estimator: MakeEstimator) -> None:
    first, second = tracks_of("two_cam01.mp4", estimator)
    assert len(first.frames) == 100
    assert len(second.frames) > 70
    # The nearer one is seen from the back: the left shoulder is on the left.
    assert first.quality.view == "back"
    assert np.median(first.poses[:, 5, 0]) < np.median(first.poses[:, 6, 0])


def frames_of(name: str, n: int) -> list[Frame]:
    if not (VIDEOS / name).is_file():
        pytest.skip(f"no video {VIDEOS / name}")
    return list(islice(open_video(VideoSource(str(VIDEOS / name), "file")).frames(), n))


def test_two_runs_give_the_same_poses(estimator: MakeEstimator) -> None:
    frames = frames_of("two_cam01.mp4", 15)
    runs = []
    for _ in range(2):
        landmarker = estimator()
        people = [person for frame in frames for person in landmarker(frame.image, frame.time_s)]
        landmarker.close()
        runs.append(np.stack([person.joints for person in people]))
    assert len(runs[0]) > 15
    np.testing.assert_array_equal(*runs)


def test_stderr_stays_empty_if_nobody_is_in_the_first_frames(
    estimator: MakeEstimator, capfd: pytest.CaptureFixture[str]
) -> None:
    frames = frames_of("two_cam01.mp4", 8)
    landmarker = estimator()
    for n, frame in enumerate(frames):
        found = landmarker(np.zeros_like(frame.image) if n < 3 else frame.image, frame.time_s)
    landmarker.close()
    assert found
    assert capfd.readouterr().err == ""
