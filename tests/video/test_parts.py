"""Parts of reading videos: quality, doubles, tracks online, models, and the adapter of rtmlib."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import find_tracks as find_tracks_of_poses
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.camera import Camera
from skelgait.synth.gait import walk
from skelgait.video import people as online
from skelgait.video import pose_bundle
from skelgait.video.backends.mediapipe import without_specks
from skelgait.video.estimator import Box, Person, person_box
from skelgait.video.overlaps import suppress_overlaps
from skelgait.video.people import OnlineTracks
from skelgait.video.quality import Quality, check_quality, measure_quality
from skelgait.video.reading import Frame

SIZE = 1920, 1080


def walker(view_deg: float, n_frames: int = 150, seed: int = 0) -> tuple[np.ndarray, float]:
    """Return poses (T, 17, 3) of a synthetic walker, and the number of gait cycles per second."""
    rng = np.random.default_rng(seed)
    person = sample_person(rng)
    joints, _ = walk(person, "normal", n_frames, rng)
    xy, _ = Camera(view_deg).project(joints)
    return np.concatenate([xy, np.full((*xy.shape[:2], 1), 0.9)], axis=2), person.cadence_hz


def quality_of(poses: np.ndarray) -> Quality:
    return measure_quality(poses, np.arange(len(poses)) / 30, SIZE)


@pytest.mark.parametrize(
    ("view_deg", "side", "angle"),
    [(0, "front", 0), (30, "front", 30), (90, "side", 90), (180, "back", 180), (150, "back", 150), (270, "side", 90)],
)
def test_view_and_gait_cycles_agree_with_the_walker(view_deg: float, side: str, angle: float) -> None:
    for seed in range(3):
        poses, cycles_per_second = walker(view_deg, seed=seed)
        quality = quality_of(poses)
        assert quality.view == side
        assert abs(quality.view_deg - angle) < 20
        assert quality.gait_cycles == pytest.approx(cycles_per_second * 149 / 30, rel=0.05)
        assert quality.marks == ()


def test_a_person_who_stands_has_no_gait_cycle() -> None:
    poses, _ = walker(90)
    standing = np.repeat(poses[:1], 150, axis=0)
    standing[..., :2] += np.random.default_rng(0).normal(0, 1, standing[..., :2].shape)
    assert quality_of(standing).gait_cycles == 0


def test_whole_body_counts_frames_with_each_part_inside_the_image() -> None:
    poses, _ = walker(90, 40)
    poses[:10, 15:17, 2] = 0.1  # hidden feet
    poses[10:14, 15:17, 1] = 2000  # feet below the image
    poses[14:20, 15, 2] = 0.1  # one leg hides the other
    assert quality_of(poses).whole_body == pytest.approx(26 / 40)


def test_few_frames_low_height_and_half_seen_people_are_marked() -> None:
    poses, _ = walker(90, 12)
    poses[..., :2] *= 0.1
    poses[:8, 15:17, 2] = 0
    assert quality_of(poses).marks == ("fewer than 15 frames", "lower than 64 px", "half seen")


def test_marks_are_warnings_and_floors_are_refused() -> None:
    good = quality_of(walker(90)[0])
    assert check_quality(good, "anna") == []
    poses, _ = walker(90, 12)
    (warning,) = check_quality(quality_of(poses), "anna")
    assert warning.startswith("anna: fewer than 15 frames, the result is uncertain; use a longer video")
    with pytest.raises(DataError, match="anna: found 5 frames, expected at least 10"):
        check_quality(quality_of(poses[:5]), "anna")
    small = poses.copy()
    small[..., :2] *= 0.02
    with pytest.raises(DataError, match=r"found a person of \d+ px, expected at least 32 px"):
        check_quality(quality_of(small), "anna")
    poses[:, 15:17, 2] = 0
    with pytest.raises(DataError, match="found the whole body in 0 % of the frames, expected at least 10 %"):
        check_quality(quality_of(poses), "anna")


def person(joints: np.ndarray, score: float = 0.9) -> Person:
    return Person(joints.astype(np.float32), Box(0, 0, 10, 10), score)


def test_the_second_detection_of_a_person_is_dropped_and_neighbors_stay() -> None:
    body = walker(30, 1)[0][0]
    near, mirrored, neighbor = body + np.array([3, 3, 0]), body.copy(), body + np.array([150, 0, 0])
    mirrored[1:] = body[1:].reshape(8, 2, 3)[:, ::-1].reshape(16, 3)
    people = suppress_overlaps([person(near, 0.5), person(body, 0.9), person(mirrored, 0.6), person(neighbor, 0.7)])
    assert [other.score for other in people] == [0.9, 0.7]


def crowd(n_frames: int) -> list[list[Person]]:
    """Return the people of each frame: two who cross, one hidden for a second, and one who comes late."""
    bodies = [walker(90, n_frames, seed)[0] for seed in range(3)]
    t = np.arange(n_frames)
    for body, speed, start in zip(bodies, (4, -4, 3), (-300, 300, -700), strict=True):
        body[..., 0] += (start + speed * t)[:, None]
    frames = []
    for n in range(n_frames):
        is_there = [True, not 60 <= n < 90, n >= 40]
        frames.append([person(body[n]) for body, seen in zip(bodies, is_there, strict=True) if seen])
    return frames


def online_tracks(frames: list[list[Person]]) -> list[list[int]]:
    tracks, found = OnlineTracks(), []
    for t, people in enumerate(frames):
        found += list(tracks.add(Frame(t, t / 30, np.zeros((1, 1, 3), np.uint8)), people))
    found += list(tracks.finish())
    assert all(len(track.poses) == len(track.times_s) == len(track.frames) for track in found)
    return sorted(track.frames.tolist() for track in found)


def test_tracks_of_a_stream_are_those_of_the_whole_sequence() -> None:
    frames = crowd(110) + [[]] * 70 + crowd(50)
    # Those who are seen, in the order that the suppression of doubles gives.
    kept = [suppress_overlaps(people) for people in frames]
    arrays = [np.stack([other.joints for other in people]) if people else np.zeros((0, 17, 3)) for people in kept]
    expected = sorted(list(track.frames) for track in find_tracks_of_poses(RawSequence(arrays)))
    assert online_tracks(frames) == expected
    assert len(expected) == 6


def test_a_long_track_ends_so_that_memory_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online, "LONGEST_TRACK", 90)
    poses, _ = walker(90, 250)
    lengths = [len(track) for track in online_tracks([[person(body)] for body in poses])]
    assert sum(lengths) == 250
    assert max(lengths) <= 120


def test_box_has_a_margin_and_stays_in_the_image() -> None:
    joints = np.zeros((17, 3))
    joints[:, 0], joints[:, 1], joints[:, 2] = np.linspace(50, 90, 17), np.linspace(100, 300, 17), 1
    assert person_box(joints, 110, 1000) == Box(20, 70, 110, 330)
    assert person_box(np.zeros((17, 3)), 10, 10) == Box(0, 0, 1, 1)


def test_model_without_a_connection_has_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", fail)
    with pytest.raises(DataError, match=r"no connection to fetch it \(no route to host\).*pip download .*--model"):
        pose_bundle.find_bundle(None)
    assert not list(tmp_path.rglob("*.task"))


def test_fetched_model_is_checked_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    content = tmp_path / "served"
    content.write_bytes(b"a model")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: content.open("rb"))
    with pytest.raises(DataError, match="content of another checksum"):
        pose_bundle.find_bundle(None)
    monkeypatch.setattr(pose_bundle, "SHA256", hashlib.sha256(b"a model").hexdigest())
    path = pose_bundle.find_bundle(None)
    content.unlink()
    assert pose_bundle.find_bundle(None) == path
    assert path.read_bytes() == b"a model"


def test_files_without_a_pose_model_are_named(tmp_path: Path) -> None:
    path = tmp_path / "hand.task"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hand_detector.tflite", b"")
    with pytest.raises(DataError, match="other files in the bundle"):
        pose_bundle.find_bundle(path)
    path.write_bytes(b"text")
    with pytest.raises(DataError, match=r"hand.task: .*expected a .task bundle"):
        pose_bundle.find_bundle(path)


def test_small_pieces_of_a_mask_are_removed_and_large_ones_stay() -> None:
    mask = np.zeros((100, 80), bool)
    mask[20:70, 20:60] = True  # 2000 pixels
    large, small = mask.copy(), mask.copy()
    large[80:84, 20:30] = True  # 40 pixels, 2 %
    small[80:83, 20:33] = True  # 39 pixels
    np.testing.assert_array_equal(without_specks(large), np.where(large, 255, 0))
    np.testing.assert_array_equal(without_specks(small), np.where(mask, 255, 0))
    assert without_specks(np.zeros((5, 4), bool)).tolist() == [[0] * 4] * 5
