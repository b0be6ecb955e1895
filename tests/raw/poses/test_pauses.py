"""Joins of tracklets over a pause of a stream."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.raw.poses.track_joins import Pause, join_tracklets
from skelgait.raw.poses.tracklets import Tracklet
from tests.video.painted import TEMPLATE


def walk(frames: range, left: float, speed: float, height: float = 100) -> Tracklet:
    """Return a person who is at `left` in the first frame and moves by `speed` px per frame."""
    tracklet = Tracklet()
    for n, frame in enumerate(frames):
        joints = np.concatenate([TEMPLATE * height + (left + speed * n, 50), np.ones((17, 1))], axis=1)
        tracklet.append(frame, 0, joints)
    return tracklet


@pytest.mark.parametrize(
    ("left", "height", "is_joined"),
    [
        (330, 100, True),  # walked on for 300 frames
        (30, 100, True),  # as if there had been no pause
        (100, 100, True),  # 0.7 body heights away
        (190, 100, False),
        (330, 180, False),  # somebody larger
    ],
)
def test_person_walks_on_or_is_where_the_pause_began(left: float, height: float, is_joined: bool) -> None:
    before, after = walk(range(30), 1, 1), walk(range(30, 60), left, 1, height)
    chains = join_tracklets([before, after], [Pause(30, 300)])
    assert chains == ([[before, after]] if is_joined else [[before], [after]])


def test_pauses_before_or_after_a_join_do_not_matter() -> None:
    before, after = walk(range(10, 30), 0, 1), walk(range(40, 60), 330, 1)
    for pause in (Pause(10, 300), Pause(41, 300)):
        assert len(join_tracklets([before, after], [pause])) == 2
    assert len(join_tracklets([before, after], [Pause(40, 300)])) == 1
    assert len(join_tracklets([before, after], [Pause(31, 150), Pause(35, 150)])) == 1
