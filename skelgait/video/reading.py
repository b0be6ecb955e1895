"""Frames of a video file, of a folder of images, of a camera or of a stream."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.video.quiet import quiet_stderr
from skelgait.video.sources import VideoSource

ASSUMED_FPS = 30.0
"""Frames per second where a video does not say."""
_HINT = "play it to check, or convert it: ffmpeg -i INPUT video.mp4"
# Frames that are decoded ahead of the estimator.
_AHEAD = 4
_POLL_S = 0.1
# Longest times in which a stream is opened, and in which it sends nothing, in milliseconds.
_STREAM_LIMITS = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 10_000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5_000]
_LONGEST_JOIN_S = 2.0
# A stream without an end declares a number of frames that is no number.
_MOST_FRAMES = 1e9


@dataclass(frozen=True)
class Frame:
    """Frame of a video.

    Attributes:
        index: index of the frame, from 0; skipped frames count, so that people are tracked at the speed they have.
        time_s: time since the first frame in seconds.
        image: (H, W, 3) RGB, uint8; upright, if the video says how the camera was turned.
        skipped: number of frames before this one that came too fast to be read; only for a live video.
        lost_s: time before this frame in which the stream was gone, in seconds; part of `time_s`.
    """

    index: int
    time_s: float
    image: NDArray[np.uint8]
    skipped: int = 0
    lost_s: float = 0.0


@dataclass(frozen=True)
class Video:
    """Opened video.

    Attributes:
        source: what was opened.
        fps: mean frames per second; `ASSUMED_FPS` if unknown.
        has_fps: False if it is unknown.
        n_frames: number of frames that the video declares; None: unknown.
    """

    source: VideoSource
    fps: float
    has_fps: bool
    n_frames: int | None
    _frames: Iterator[Frame]

    @property
    def is_live(self) -> bool:
        """True for a camera, or a stream without an end: its frames do not wait until they are read."""
        return self.source.kind == "stream" and self.n_frames is None

    def frames(self, stop: Callable[[], bool] = lambda: False) -> Generator[Frame, None, None]:
        """Yield the frames in the order of time; the next ones are decoded in a thread meanwhile. Only once.

        Of a live video, frames are skipped that come faster than they are read.

        Args:
            stop: function that returns True to end before the next frame; also called while a stream is waited for.

        Raises:
            DataError: if there is no frame, or frames differ in size.
        """
        size: tuple[int, int] | None = None
        last = -1
        with closing(read_ahead(self._frames, stop, skips=self.is_live)) as frames:
            for frame in frames:
                height, width = frame.image.shape[:2]
                size = size or (width, height)
                if (width, height) != size:
                    where = f"{self.source.name}: frame {frame.index}"
                    expected = f"{size[0]} x {size[1]}, as the first"
                    raise DataError(where, f"an image of {width} x {height}", expected, _HINT)
                yield replace(frame, skipped=frame.index - last - 1)
                last = frame.index
                if stop():
                    return
        if size is None and not stop():
            raise DataError(self.source.name, "a video of 0 frames", "at least one frame", _HINT)


def open_video(source: VideoSource) -> Video:
    """Open a video.

    Raises:
        DataError: if OpenCV cannot open it.
    """
    if source.kind == "images":
        files = source.image_files()
        return Video(source, ASSUMED_FPS, False, len(files), _read_images(files))
    # FFmpeg says there why it cannot open a file, for each of the two times that it is opened.
    with quiet_stderr():
        capture = open_capture(source)
    if not capture.isOpened():
        raise cannot_open(source)
    fps, n_frames = capture.get(cv2.CAP_PROP_FPS), frame_count(capture)
    has_fps = bool(0 < fps <= 1000)
    fps = float(fps) if has_fps else ASSUMED_FPS
    is_live = source.kind == "stream" and n_frames is None
    return Video(source, fps, has_fps, n_frames, _read_capture(capture, None if is_live else fps))


def open_capture(source: VideoSource) -> Any:
    """Return OpenCV's reader of a file, camera or stream, which may not be opened."""
    if source.kind == "stream" and not source.location.isdigit():
        return cv2.VideoCapture(source.location, cv2.CAP_FFMPEG, _STREAM_LIMITS)
    return cv2.VideoCapture(int(source.location) if source.kind == "stream" else source.location)


def frame_count(capture: Any) -> int | None:
    """Return the number of frames that an opened video declares; None: it has no end, or does not tell."""
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if 0 < count < _MOST_FRAMES else None


def cannot_open(source: VideoSource) -> DataError:
    """Return the error for a file, camera or stream that cannot be opened."""
    if source.kind == "stream":
        hint = "check the number, or the address and the network"
        return DataError(source.name, "no camera or stream", "a video", hint)
    return DataError(source.name, "a file that OpenCV cannot read as a video", "a video", _HINT)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Read an image as (H, W, 3) RGB; transparent pixels become black.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "an image", "check the path") from error
    image: Any = None
    with suppress(cv2.error):
        image = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
        if image is not None and not (image.ndim == 3 and image.shape[2] == 4):
            # Again, turned as the camera was, and with 8 bits.
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(path, "a damaged image", "an image", "restore the image, or remove it")
    if image.shape[2] == 4:
        scale = 255 if image.dtype == np.uint8 else 65535
        opaque = image[..., :3].astype(np.float32) * (image[..., 3:].astype(np.float32) / scale) * (255 / scale)
        image = np.rint(opaque).astype(np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _read_images(files: list[Path]) -> Iterator[Frame]:
    for index, path in enumerate(files):
        yield Frame(index, index / ASSUMED_FPS, read_image(path))


def _read_capture(capture: Any, fps: float | None) -> Iterator[Frame]:
    """Yield the frames of a video; `fps` None: of a live one, whose frames have the time at which they come."""
    index, start, last = 0, 0.0, 0.0
    try:
        while True:
            is_read, image = capture.read()
            if not is_read:
                return
            now = time.monotonic() if fps is None else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = start if index else now
            if index:
                # Some formats have no times.
                last = now - start if now - start > last else last + 1 / (fps or ASSUMED_FPS)
            yield Frame(index, last, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
            index += 1
    finally:
        capture.release()


def read_ahead(
    frames: Iterator[Frame], stop: Callable[[], bool] = lambda: False, *, skips: bool = False
) -> Generator[Frame, None, None]:
    """Yield frames that a thread reads meanwhile; an error of the thread is raised here.

    Args:
        frames: the frames.
        stop: function that returns True to end; called while there is no frame.
        skips: skip the oldest frame that waits when another one comes, instead of waiting.
    """
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: Frame | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=0 if skips else _POLL_S)
                return
            if skips:
                with suppress(queue.Empty):
                    waiting.get_nowait()

    def read() -> None:
        try:
            for frame in frames:
                put(frame)
                if stopped.is_set():
                    return
            put(None)
        except Exception as error:
            put(error)

    # A stream may block for half a minute; the program does not wait for it.
    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while True:
            try:
                item = waiting.get(timeout=_POLL_S)
            except queue.Empty:
                if stop():
                    return
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join(_LONGEST_JOIN_S)
