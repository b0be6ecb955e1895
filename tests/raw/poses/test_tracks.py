"""Person tracks: crossings, occlusions, track ids that hold, leap or change."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from skelgait.raw.poses.jumps import count_jumps
from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import PersonTrack, count_splits, find_tracks
from tests.raw.poses.crowds import Crowd, Path, crowd, walker

CROSSING = (Path(200, 8), Path(1400, -7, 0.7))


def true_people(track: PersonTrack, scene: Crowd) -> set[int]:
    """Return the people whose detections are in a track."""
    return {scene.truth[t][person] for t, person in zip(track.frames, track.persons, strict=True)}


def ids_of(scene: Crowd) -> list[list[int]]:
    return [[n + 1 for n in frame] for frame in scene.truth]


def assert_tracks_are_people(tracks: list[PersonTrack], scene: Crowd) -> None:
    """Check that each person has one track, with all detections."""
    expected = Counter(person for frame in scene.truth for person in frame)
    assert sorted((true_people(track, scene).pop(), len(track.frames)) for track in tracks) == sorted(expected.items())
    assert all(len(true_people(track, scene)) == 1 for track in tracks)


def test_each_detection_is_in_one_track() -> None:
    scene = crowd([Path(300 * n, 3 - n, 0.5 + 0.1 * n) for n in range(5)], 60)
    tracks = find_tracks(scene.sequence())
    detections = [pair for track in tracks for pair in zip(track.frames, track.persons, strict=True)]
    assert sorted(detections) == [(t, person) for t, frame in enumerate(scene.truth) for person in range(len(frame))]
    assert all(track.frames == sorted(set(track.frames)) for track in tracks)
    assert find_tracks(RawSequence([])) == find_tracks(RawSequence([np.zeros((0, 17, 3))] * 3)) == []


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("with_ids", [False, True])
def test_crossing_people_keep_their_tracks(seed: int, with_ids: bool) -> None:
    scene = crowd(CROSSING, seed=seed)
    tracks = find_tracks(scene.sequence(ids_of(scene) if with_ids else None))
    assert_tracks_are_people(tracks, scene)


@pytest.mark.parametrize("gap", [5, 31, 59])
@pytest.mark.parametrize("seed", range(3))
def test_tracks_before_and_after_an_occlusion_are_joined(gap: int, seed: int) -> None:
    scene = crowd([Path(400, 5), Path(1000, 0, 1.1)], seed=seed, hidden={0: range(30, 30 + gap)})
    ids = [[(1 if t < 30 else 3) if n == 0 else 2 for n in frame] for t, frame in enumerate(scene.truth)]
    for sequence, is_joined in ((scene.sequence(), gap > 30), (scene.sequence(ids), True)):
        tracks = find_tracks(sequence)
        assert_tracks_are_people(tracks, scene)
        assert sorted(track.joins for track in tracks) == [0, int(is_joined)]


def test_after_more_than_two_seconds_only_an_equal_id_joins() -> None:
    joints = walker(Path(300, 5), 120, 0)
    people = [joints[t : t + 1] if t < 30 or t >= 92 else joints[:0] for t in range(120)]
    assert [len(track.frames) for track in find_tracks(RawSequence(people))] == [30, 28]
    ids = [[4] * len(frame) for frame in people]
    assert [len(track.frames) for track in find_tracks(RawSequence(people, tracks=ids))] == [58]
    ids[92:] = [[5]] * 28
    assert [len(track.frames) for track in find_tracks(RawSequence(people, tracks=ids))] == [30, 28]


def test_id_that_leaps_to_another_person_is_split() -> None:
    scene = crowd([Path(200, 4), Path(1500, 4)], 60)
    ids = [[n if t < 30 else 1 - n for n in frame] for t, frame in enumerate(scene.truth)]
    tracks = find_tracks(scene.sequence(ids))
    assert_tracks_are_people(tracks, scene)
    assert count_splits(tracks) == 2
    assert [track.joins for track in tracks] == [1, 1]


def test_id_that_swaps_size_is_split() -> None:
    scene = crowd([Path(700, 4), Path(705, 4, 0.45)], 60, covered=2)
    ids = [[n if t < 30 else 1 - n for n in frame] for t, frame in enumerate(scene.truth)]
    assert_tracks_are_people(find_tracks(scene.sequence(ids)), scene)


def test_person_under_a_new_id_keeps_the_track() -> None:
    scene = crowd([Path(200, 4), Path(1500, 0, 0.55)], 60)
    ids = [[(3 if t >= 20 else 1) if n == 0 else 2 for n in frame] for t, frame in enumerate(scene.truth)]
    tracks = find_tracks(scene.sequence(ids))
    assert_tracks_are_people(tracks, scene)
    assert {(tuple(track.ids), track.joins) for track in tracks} == {((1, 3), 1), ((2,), 0)}


def test_people_without_ids_among_others_are_tracked() -> None:
    scene = crowd(CROSSING)
    ids = [[-1 if (t + n) % 3 else n for n in frame] for t, frame in enumerate(scene.truth)]
    assert_tracks_are_people(find_tracks(scene.sequence(ids)), scene)


def test_only_person_may_move_by_most_of_a_height_at_constant_speed() -> None:
    joints = walker(Path(300, 0), 12, 0) + np.arange(12)[:, None, None] * np.array([400, 0, 0])  # 480 px tall
    assert [len(track.frames) for track in find_tracks(RawSequence(list(joints[:, None])))] == [12]


def test_another_person_in_the_place_of_the_first_is_a_new_track() -> None:
    first, second = walker(Path(300, 5), 40, 0), walker(Path(1400, 5), 40, 1)
    people = [(first if t < 20 else second)[t : t + 1] for t in range(40)]
    assert [list(track.frames) for track in find_tracks(RawSequence(people))] == [[*range(20)], [*range(20, 40)]]
    one = find_tracks(RawSequence(people, is_one_person=True))
    assert [list(track.frames) for track in one] == [[*range(40)]]


@pytest.mark.parametrize("seed", range(2))
def test_crowd_has_at_most_one_percent_of_jumps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    paths = [Path(rng.uniform(0, 1900), rng.uniform(-7, 7), rng.uniform(0.4, 1.2)) for _ in range(6)]
    scene = crowd(paths, 60, seed=10 * seed)
    tracks = [track for track in find_tracks(scene.sequence()) if len(track.frames) >= 15]
    n_jumps = sum(
        count_jumps([scene.people[t][n] for t, n in zip(track.frames, track.persons, strict=True)], track.frames)
        for track in tracks
    )
    detections = [
        Counter(scene.truth[t][n] for t, n in zip(track.frames, track.persons, strict=True)) for track in tracks
    ]
    n_detections = sum(sum(counts.values()) for counts in detections)
    assert n_jumps <= 0.01 * n_detections
    assert sum(max(counts.values()) for counts in detections) >= 0.95 * n_detections
    assert n_detections >= 0.95 * sum(map(len, scene.truth))


def test_missing_and_non_finite_joints_are_accepted() -> None:
    joints = walker(Path(300, 5), 20, 0)
    joints[5], joints[6], joints[7, 11:] = np.nan, 0, 0
    tracks = find_tracks(RawSequence([joints[t : t + 1] for t in range(20)]))
    assert max(len(track.frames) for track in tracks) == 18
