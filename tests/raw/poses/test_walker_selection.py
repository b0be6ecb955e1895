"""Selection of the walker among several people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import find_tracks
from skelgait.raw.poses.walker_selection import Aids, Selection, most_covered_person, rank_tracks, select_walker
from tests.raw.poses.crowds import Path, crowd, walker

FRAMES = 40
WALKER = walker(Path(400, 5), FRAMES, 0)
OTHER = walker(Path(1500, -5, 0.8), FRAMES, 1)
BYSTANDER = walker(Path(1000, 0, 1.2), FRAMES, 2)


def select(people: list[list[np.ndarray]], aids: Aids | None = None) -> Selection:
    sequence = RawSequence([np.array(frame).reshape(-1, 17, 3) for frame in people])
    aids = aids or Aids()
    selected = select_walker(sequence, rank_tracks(sequence, find_tracks(sequence), aids), aids)
    assert selected is not None
    return selected


def test_sequence_without_people_has_no_walker() -> None:
    assert select_walker(RawSequence([np.zeros((0, 17, 3))] * 2), []) is None


def test_frames_without_the_walker_are_left_out() -> None:
    people = [[WALKER[t]] * (t not in (5, 6)) + [OTHER[t]] * (4 <= t < 9) for t in range(FRAMES)]
    result = select(people)
    assert result.frames == [t for t in range(FRAMES) if t not in (5, 6)]
    np.testing.assert_array_equal(result.joints, WALKER[result.frames])
    assert (result.several, result.by_continuity, result.choice) == (3, 3, "track")


def test_only_person_is_certain() -> None:
    result = select([[joints] for joints in WALKER])
    assert (result.choice, result.certainty, len(result.frames)) == ("only person", 1, FRAMES)


def test_certainty_is_one_half_if_two_people_are_equally_prominent() -> None:
    twin = WALKER + np.array([900, 0, 0])
    assert select([[WALKER[t], twin[t]] for t in range(FRAMES)]).certainty == pytest.approx(0.5)


def test_certainty_is_the_share_of_the_prominence() -> None:
    sizes = [sum(np.ptp(body[body[:, 0] > 0, 1]) * body[:, 2].mean() for body in joints) for joints in (WALKER, OTHER)]
    result = select([[WALKER[t], OTHER[t]] for t in range(FRAMES)])
    assert result.certainty == pytest.approx(sizes[0] / sum(sizes))
    alone = select([[WALKER[t], OTHER[t]] if t % 2 else [OTHER[t]] for t in range(FRAMES)])
    np.testing.assert_array_equal(alone.joints, OTHER)
    assert alone.certainty > 0.8


def test_person_who_stands_is_not_the_walker() -> None:
    people = [[BYSTANDER[t], WALKER[t]] if t >= 20 else [BYSTANDER[t]] * (t % 2) + [WALKER[t]] for t in range(FRAMES)]
    np.testing.assert_array_equal(select(people).joints, WALKER)


def test_passer_by_who_is_alone_for_a_moment_is_not_the_walker() -> None:
    people = [[OTHER[t]] if t < 3 else [WALKER[t]] + [OTHER[t]] * (t < 12 or t >= 30) for t in range(FRAMES)]
    result = select(people)
    np.testing.assert_array_equal(result.joints, WALKER[3:])


def test_index_precedes_silhouette_precedes_track() -> None:
    mask = np.zeros((1080, 1920), np.uint8)
    mask[:, 1200:1900] = 255  # at the other person
    people = [[WALKER[t], OTHER[t]] for t in range(FRAMES)]
    both = select(people, Aids({0: 0, 3: 9}, {0: mask, 1: mask}))
    assert (both.several, both.by_index, both.by_silhouette, both.by_continuity) == (FRAMES, 1, 1, FRAMES - 2)
    assert both.choice == "person index"
    np.testing.assert_array_equal(both.joints, [WALKER[0], OTHER[1], *WALKER[2:]])
    covered = select(people, Aids(silhouettes=dict.fromkeys(range(10), mask)))
    assert covered.choice == "silhouette"
    np.testing.assert_array_equal(covered.joints, OTHER)


def test_person_whom_an_index_names_everywhere_is_certain() -> None:
    people = [[WALKER[t], OTHER[t]] for t in range(FRAMES)]
    result = select(people, Aids(dict.fromkeys(range(FRAMES), 1)))
    assert (result.certainty, result.by_index) == (1, FRAMES)
    np.testing.assert_array_equal(result.joints, OTHER)


def test_index_selects_the_only_person_of_other_frames() -> None:
    people = [[WALKER[t], OTHER[t]] if t < 20 else [OTHER[t]] for t in range(FRAMES)]
    result = select(people, Aids(dict.fromkeys(range(20), 0)))
    assert (result.frames, result.several, result.by_index) == ([*range(FRAMES)], 20, 20)
    np.testing.assert_array_equal(result.joints, [*WALKER[:20], *OTHER[20:]])


def test_walker_among_many_is_tracked() -> None:
    scene = crowd([Path(300, 6, 1.2), Path(1700, -5, 0.8), Path(1000, 0, 0.7), Path(600, 3, 0.6)], 120)
    people = [[(n, joints) for n, joints in zip(*frame, strict=True)] for frame in zip(*scene[::-1], strict=True)]
    result = select([[joints for _, joints in frame] for frame in people])
    np.testing.assert_array_equal(result.joints, [joints for frame in people for n, joints in frame if n == 0])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 4))
def test_most_covered_person_agrees_with_plain_loops(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    people = rng.uniform(-2, 22, (n, 17, 3)) if seed % 2 else rng.uniform(0, 20, (n, 17, 3))
    mask = rng.choice([0, 255], (20, 20)).astype(np.uint8)
    sums = []
    for person in people:
        inside = all(0 <= x < 20 and 0 <= y < 20 for x, y, _ in person)
        sums.append(sum(int(mask[int(y), int(x)]) for x, y, _ in person) if inside else 0)
    best = max(sums)
    expected = sums.index(best) if best > 0 and sums.count(best) == 1 else None
    assert most_covered_person(people, mask) == expected
