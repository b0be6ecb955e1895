"""Streams that drop and come back, with a clock and a camera of the test."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.video import live
from skelgait.video.live import LiveStream
from skelgait.video.people import OnlineTracks
from skelgait.video.reading import Frame
from skelgait.video.sources import VideoSource
from skelgait.video.tracks import VideoCounts
from skelgait.video.updates import TrackFollower, TrackUpdate
from tests.video.painted import BLUE, GREEN, RED, SIZE, PaintedEstimator, paint

FPS = 15
Scene = Callable[[float], np.ndarray | None]


class Camera:
    """Camera and clock: each frame takes 1/15 s, and waits until the estimator has seen the frame before.

    `scene` gives the image at a time; None: the stream is gone.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, scene: Scene) -> None:
        self.now, self.opened, self._scene = 0.0, 0, scene
        self._next = threading.Semaphore(2)  # the image that opens the stream, and the first frame
        monkeypatch.setattr(cv2, "VideoCapture", self.open)
        monkeypatch.setattr(live, "time", self)

    def open(self, *_: object) -> Camera:
        self.opened += 1
        return self

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def isOpened(self) -> bool:  # noqa: N802
        return self._scene(self.now) is not None

    def get(self, _: int) -> float:
        return -1.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.now += 1 / FPS
        image = self._scene(self.now)
        if image is None:
            return False, None
        self._next.acquire()
        return True, image[..., ::-1].copy()

    def seen(self) -> None:
        """Allow the next frame."""
        self._next.release()


def follow(
    monkeypatch: pytest.MonkeyPatch, scene: Scene, until_s: float
) -> tuple[list[TrackUpdate], Camera, LiveStream]:
    """Return the updates of a watch that is stopped at a time of the camera."""
    camera = Camera(monkeypatch, scene)

    class Estimator(PaintedEstimator):
        def __call__(self, image: np.ndarray, time_s: float, /) -> list[Any]:
            camera.seen()
            return super().__call__(image, time_s)

    def stop() -> bool:
        return camera.now > until_s

    stream = LiveStream(VideoSource("rtsp://anna:secret@host/x", "stream"), stop)
    follower = TrackFollower(Estimator(), VideoCounts(), 15, 64, live.LONGEST_OCCLUSION_S)
    updates: list[TrackUpdate] = []
    while not stop():
        updates += itertools.chain.from_iterable(follower.follow(stream.next_video(), stop))
    return updates, camera, stream


def matches(updates: list[TrackUpdate]) -> dict[int, TrackUpdate]:
    return {update.number: update for update in updates if update.is_over}


def test_tracks_continue_after_ten_seconds_without_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def scene(now: float) -> np.ndarray | None:
        people = {RED: (270, 10), GREEN: (20 + round(15 * now), 130)}  # one stands, one walks
        if now > 14:
            people[BLUE] = 100, 20
        return None if 3 < now < 13 else paint(people)

    updates, camera, stream = follow(monkeypatch, scene, 17)
    ended = matches(updates)
    assert (len(ended), stream.n_drops) == (3, 1)
    for number in (1, 2):
        times = ended[number].track.times_s
        steps = np.diff(times)
        assert ended[number].first_s == times[0] < 0.1
        assert times[-1] > 16.5
        assert 10 <= steps.max() < 13  # the stream is looked for every two seconds by then
        assert np.sort(steps)[-2] < 0.2
        assert len(times) == ended[number].n_frames > 75
    blue = ended[3].track
    assert blue.times_s[0] > 13.9
    assert np.ptp(ended[1].track.poses[:, 0, 0]) + np.ptp(ended[2].track.poses[:, 0, 0]) > 200
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2
    assert texts[0] == "rtsp://host/x: the stream dropped; it is opened again until Ctrl-C"
    assert texts[1].startswith("rtsp://host/x: the stream is back after 1")
    assert 5 < camera.opened < 20


def test_running_tracks_are_given_every_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def scene(now: float) -> np.ndarray | None:
        return paint({RED: (20, 10), **({GREEN: (200, 130)} if now < 2.5 else {})})

    updates, _, _ = follow(monkeypatch, scene, 9)
    running = [(update.number, round(update.track.times_s[-1])) for update in updates if not update.is_over]
    assert running == [(1, 2), (2, 2), (1, 4), (2, 2), (1, 6), (1, 8)]
    assert max(len(update.track.frames) for update in updates if not update.is_over) == 60
    last = [update for update in updates if not update.is_over and update.number == 1][-1]
    assert (last.first_s, last.n_frames) == (0, pytest.approx(8 * FPS, abs=10))
    # The other track ends three seconds after its last frame, while the first person is still seen.
    assert [update.number for update in updates if update.is_over] == [2, 1]


def test_tracks_end_when_the_stream_is_gone_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    def scene(now: float) -> np.ndarray | None:
        return None if 2 < now < 300 else paint({RED: (20, 10)})

    updates, camera, stream = follow(monkeypatch, scene, 335)
    ended = matches(updates)
    assert (len(ended), stream.n_drops) == (2, 1)
    assert ended[1].track.times_s[-1] < 2.1
    assert 300 < ended[2].first_s < 331  # looked for every 30 seconds by then
    assert camera.opened < 40


def test_another_size_after_a_drop_is_scaled_and_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def scene(now: float) -> np.ndarray | None:
        image = paint({RED: (20, 10)})
        if now > 5:
            image = cv2.resize(image, (SIZE[0] * 2, SIZE[1] * 2), interpolation=cv2.INTER_NEAREST)
        return None if 2 < now < 5 else image

    updates, _, _ = follow(monkeypatch, scene, 8)
    (track,) = matches(updates).values()
    assert np.ptp(track.track.poses[:, 0, :2], axis=0).max() < 2
    assert track.track.times_s[-1] > 7.5
    assert caplog.messages[2:] == [
        "rtsp://host/x: the stream came back with images of 640 x 480; they are scaled to 320 x 240, as before"
    ]


@pytest.mark.parametrize("count", [None, 20.0])
def test_stream_without_an_image_or_with_an_end_is_an_error(
    monkeypatch: pytest.MonkeyPatch, count: float | None
) -> None:
    camera = Camera(monkeypatch, lambda _: None if count is None else paint({}))
    monkeypatch.setattr(camera, "get", lambda _: count)
    with pytest.raises(DataError) as error:
        LiveStream(VideoSource("http://anna:secret@host/x", "stream"), lambda: False)
    expected = {
        None: "http://host/x: found no camera or stream, expected a video; check the number, or the address",
        20.0: "http://host/x: found a video file of 20 frames, expected a camera, or a stream without an end; leave",
    }
    assert str(error.value).startswith(expected[count])


def test_stop_ends_the_search_for_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    updates, camera, _ = follow(monkeypatch, lambda now: None if now > 1 else paint({RED: (20, 10)}), 20)
    assert camera.now < 21
    assert [update.is_over for update in updates] == [True]


def test_silhouettes_of_ended_tracks_are_freed() -> None:
    def scene(second: int) -> np.ndarray:
        # One person stays; another one comes for two seconds of each ten.
        return paint({RED: (20, 10), **({GREEN: (200, 130)} if second % 10 < 2 else {})})

    estimator, tracks = PaintedEstimator(), OnlineTracks()
    made: list[weakref.ref[Any]] = []
    ended = []
    for index in range(14 * 30):
        image = scene(index // 30)
        for track in tracks.add(Frame(index, index / 30, image), estimator(image, 0.0)):
            made += [weakref.ref(silhouette) for silhouette in track.silhouettes if silhouette is not None]
            ended.append(len(track.frames))
    del track
    assert ended == [60]
    assert (len(made), sum(reference() is not None for reference in made)) == (60, 0)
