"""Frames of a video file, of a folder of images, of a camera or of a stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.video.sources import VideoSource

ASSUMED_FPS = 30.0
"""Frames per second where a video does not say."""
_HINT = "play it to check, or convert it: ffmpeg -i INPUT video.mp4"
# Frames that are decoded ahead of the estimator.
_AHEAD = 4


@dataclass(frozen=True)
class Frame:
    """Frame of a video.

    Attributes:
        index: index of the frame, from 0.
        time_s: time since the first frame in seconds.
        image: (H, W, 3) RGB, uint8; upright, if the video says how the camera was turned.
    """

    index: int
    time_s: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Video:
    """Opened video.

    Attributes:
        source: what was opened.
        fps: mean frames per second; `ASSUMED_FPS` if unknown.
        has_fps: False if it is unknown.
        n_frames: number of frames that the file declares; None: unknown.
    """

    source: VideoSource
    fps: float
    has_fps: bool
    n_frames: int | None
    _frames: Iterator[Frame]

    def frames(self, stop: Callable[[], bool] = lambda: False) -> Generator[Frame, None, None]:
        """Yield all frames in the order of time; the next ones are decoded in a thread meanwhile. Only once.

        Args:
            stop: function that returns True to end before the next frame.

        Raises:
            DataError: if there is no frame, or frames differ in size.
        """
        first: Frame | None = None
        with closing(_ahead(self._frames)) as frames:
            for frame in frames:
                first = first or frame
                if frame.image.shape != first.image.shape:
                    sizes = [f"{image.shape[1]} x {image.shape[0]}" for image in (frame.image, first.image)]
                    where = f"{self.source.location}: frame {frame.index}"
                    raise DataError(where, f"an image of {sizes[0]}", f"{sizes[1]}, as the first", _HINT)
                yield frame
                if stop():
                    return
        if first is None:
            raise DataError(self.source.location, "a video of 0 frames", "at least one frame", _HINT)


def open_video(source: VideoSource) -> Video:
    """Open a video.

    Raises:
        DataError: if OpenCV cannot open it.
    """
    if source.kind == "images":
        files = source.image_files()
        return Video(source, ASSUMED_FPS, False, len(files), _read_images(files))
    capture = cv2.VideoCapture(int(source.location) if source.location.isdigit() else source.location)
    if not capture.isOpened():
        found = "no camera or stream" if source.kind == "stream" else "a file that OpenCV cannot read as a video"
        raise DataError(source.location, found, "a video", _HINT)
    fps, count = capture.get(cv2.CAP_PROP_FPS), capture.get(cv2.CAP_PROP_FRAME_COUNT)
    has_fps = bool(0 < fps <= 1000)
    n_frames = int(count) if source.kind == "file" and count > 0 else None
    fps = float(fps) if has_fps else ASSUMED_FPS
    return Video(source, fps, has_fps, n_frames, _read_capture(capture, fps))


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


def _read_capture(capture: Any, fps: float) -> Iterator[Frame]:
    index, start, last = 0, 0.0, -1.0
    try:
        while True:
            is_read, image = capture.read()
            if not is_read:
                return
            time_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start = time_s if index == 0 else start
            # Some formats have no times.
            last = time_s - start if time_s - start > last else last + 1 / fps
            yield Frame(index, last, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
            index += 1
    finally:
        capture.release()


def _ahead(frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """Yield frames that a thread reads meanwhile; an error of the thread is raised here."""
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: Frame | BaseException | None) -> None:
        while not stopped.is_set():
            with suppress(queue.Full):
                waiting.put(item, timeout=0.1)
                return

    def read() -> None:
        try:
            for frame in frames:
                put(frame)
                if stopped.is_set():
                    return
            put(None)
        except Exception as error:
            put(error)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while True:
            item = waiting.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()
