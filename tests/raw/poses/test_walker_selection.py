"""Selection of the walker among several people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skelgait.raw.poses.sequence import RawSequence
from skelgait.raw.poses.tracks import track_people
from skelgait.raw.poses.walker_selection import most_covered_person, select_walker
from tests.raw.poses.dataset_builders import upright

WALKER = upright(np.random.default_rng(0), 8)
BYSTANDER = np.repeat(WALKER[:1] * [0.8, 0.8, 1] + [900, 50, 0], 8, axis=0)  # smaller, not moving


def select(
    people: list[list[np.ndarray]],
    index: dict[int, int] | None = None,
    masks: dict[int, np.ndarray] | None = None,
    **more: object,
) -> Any:
    sequence = RawSequence([np.array(frame).reshape(-1, 17, 3) for frame in people], **more)
    return select_walker(sequence, index or {}, masks or {})


def test_sequence_without_people_is_empty() -> None:
    assert select([[], []]) == ([], [], 0, 0, 0)
    assert select([]) == ([], [], 0, 0, 0)


def test_frames_without_people_are_dropped() -> None:
    result = select([[WALKER[0]], [], [BYSTANDER[2]]])
    assert result.frames == [0, 2]
    assert (result.several, result.by_continuity) == (0, 0)
    np.testing.assert_array_equal(result.joints, [WALKER[0], BYSTANDER[2]])


def test_index_precedes_silhouette_precedes_track() -> None:
    mask = np.zeros((900, 1600), np.uint8)
    mask[600:, 1000:] = 0
    mask[150:450, 1000:1400] = 255  # at the bystander
    people = [[WALKER[t], BYSTANDER[t]] for t in range(4)]
    result = select(people, index={0: 0, 3: 9}, masks={0: mask, 1: mask})
    assert (result.several, result.by_index, result.by_silhouette, result.by_continuity) == (4, 1, 1, 2)
    np.testing.assert_array_equal(result.joints[0], WALKER[0])
    np.testing.assert_array_equal(result.joints[1], BYSTANDER[1])


@pytest.mark.parametrize("known", [{0}, {7}, {3, 4}])
def test_frames_with_one_person_determine_the_track(known: set[int]) -> None:
    for person, other in ((WALKER, BYSTANDER), (BYSTANDER, WALKER)):
        people = [[person[t]] if t in known else [other[t], person[t]] for t in range(8)]
        np.testing.assert_array_equal(select(people).joints, person)


def test_larger_person_is_selected_if_both_are_in_every_frame() -> None:
    people = [[BYSTANDER[t], WALKER[t]][:: 1 if t % 2 else -1] for t in range(8)]
    np.testing.assert_array_equal(select(people).joints, WALKER)


def test_crossing_people_are_tracked() -> None:
    steps = 10 * np.arange(8)[:, None, None] * np.array([1, 0, 0])
    right, left = WALKER[:1] + steps, WALKER[:1] * [1, 0.9, 1] + [70, 3, 0] - steps
    people = [[right[t], left[t]][:: 1 if t % 3 else -1] for t in range(8)]
    np.testing.assert_array_equal(select(people).joints, right)


def test_track_ids_of_the_estimator_are_used() -> None:
    people = [[WALKER[t], BYSTANDER[t]] for t in range(8)]
    swapped = [[1, 2] if t < 4 else [2, 1] for t in range(8)]
    people[0] = people[0][:1]
    swapped[0] = [1]
    np.testing.assert_array_equal(select(people, tracks=swapped).joints, [*WALKER[:4], *BYSTANDER[4:]])


def test_track_continues_after_a_gap() -> None:
    people = [[BYSTANDER[0], WALKER[0]], [WALKER[1]], *[[BYSTANDER[t]] * (t > 3) for t in range(2, 6)]]
    people += [[BYSTANDER[t], WALKER[t]] for t in (6, 7)]
    tracks = track_people([np.array(frame).reshape(-1, 17, 3) for frame in people])
    assert tracks == [[0, 1], [1], [], [], [0], [0], [0, 1], [0, 1]]
    assert track_people([]) == []


def test_missing_and_non_finite_joints_are_accepted() -> None:
    holes = WALKER.copy()
    holes[2] = np.nan
    holes[3] = 0
    people = [[BYSTANDER[t], holes[t]] if t != 5 else [holes[t]] for t in range(8)]
    assert len(select(people).joints) == 8


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
