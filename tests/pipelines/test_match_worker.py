"""Matches of live tracks in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from skelgait.errors import CheckpointError
from skelgait.pipelines.match_worker import MatchWorker
from skelgait.storage import Key
from skelgait.video.updates import TrackUpdate

KEY = Key("camera0", "now", "00")


class Matcher:
    """Stand-in that waits until it may go on, and returns the update."""

    def __init__(self) -> None:
        self.released = threading.Semaphore(0)

    def match(self, video: str, key: Key, update: TrackUpdate) -> Any:
        assert (video, key) == ("0", KEY)
        assert self.released.acquire(timeout=20)
        if update.number == 13:
            raise CheckpointError("c.pt", "NaN", "numbers", "train it again")
        return update


def update(number: int, *, is_over: bool = False) -> TrackUpdate:
    track: Any = None
    return TrackUpdate(number, is_over, 0.0, 20, track)


def _updates(matches: Iterator[Any]) -> Iterator[TrackUpdate]:
    return matches


def test_frames_do_not_wait_and_late_provisional_matches_are_left_out() -> None:
    matcher: Any = Matcher()
    with MatchWorker(matcher, "0", KEY) as worker:
        first = [update(1), update(2)]
        worker.submit(first)
        assert list(worker.finished()) == []
        ended = update(2, is_over=True)
        worker.submit([update(1), ended])  # the first ones still wait
        matcher.released.release(3)
        assert list(worker.all_others()) == [*first, ended]
        worker.submit([update(3)])
        matcher.released.release()
        assert [match.number for match in _updates(worker.all_others())] == [3]


def test_number_of_waiting_tracks_is_limited() -> None:
    matcher: Any = Matcher()
    with MatchWorker(matcher, "0", KEY) as worker:
        for number in range(20, 36):
            worker.submit([update(number, is_over=True)])
        assert list(worker.finished()) == []
        worker.submit([update(36, is_over=True)])
        matcher.released.release()
        assert [match.number for match in _updates(worker.finished())] == [20]
        matcher.released.release(16)
        assert len(list(worker.all_others())) == 16


def test_error_of_a_match_is_raised() -> None:
    matcher: Any = Matcher()
    matcher.released.release(2)
    with MatchWorker(matcher, "0", KEY) as worker:
        worker.submit([update(13)])
        with pytest.raises(CheckpointError, match="NaN"):
            list(worker.all_others())
