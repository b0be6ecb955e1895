"""Times of sources: a change of any file changes the joint time."""

from __future__ import annotations

import pytest

from skelgait.storage.times import is_same_time, joint_time_ns

NEWEST = 1_700_000_000_123_456_789
TIMES = [NEWEST - 5_000_000_000, NEWEST, NEWEST - 1]


def test_time_of_one_file_is_its_own() -> None:
    assert joint_time_ns([NEWEST]) == NEWEST


@pytest.mark.parametrize(
    "changed", [TIMES[:2], [*TIMES, NEWEST], [TIMES[0] - 1, *TIMES[1:]], [TIMES[1], TIMES[0], TIMES[2]]]
)
def test_change_of_any_file_changes_the_joint_time(changed: list[int]) -> None:
    joint, other = joint_time_ns(TIMES), joint_time_ns(changed)
    assert not is_same_time(joint, other)
    assert joint // 1_000_000 == other // 1_000_000 == NEWEST // 1_000_000
    assert joint == joint_time_ns(TIMES)


@pytest.mark.parametrize(("unit_ns", "is_same"), [(1, True), (100, True), (1000, False)])
def test_rounding_of_file_systems_is_no_change(unit_ns: int, is_same: bool) -> None:
    assert is_same_time(NEWEST // unit_ns * unit_ns, NEWEST) == is_same
