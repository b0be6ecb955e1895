"""Camera or stream that is opened again when it drops."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.video.reading import ASSUMED_FPS, Frame, Video, cannot_open, frame_count, open_capture
from skelgait.video.sources import VideoSource

log = logging.getLogger(__name__)

LONGEST_DROP_S = 30.0
"""Time without the stream, in seconds, after which the tracks end that were running before."""
LONGEST_OCCLUSION_S = 3.0
"""Time out of sight, in seconds, after which a track in a stream ends: a slow estimator sees few frames in it."""
# Pauses between attempts to open the stream, in seconds: a share of the time since it dropped, between two limits.
_PAUSE_SHARE, _SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 0.5, 30.0
_STEP_S = 0.1
# Log level of FFmpeg for nothing at all.
_QUIET = "-8"
_SILENT = 0

_Image = NDArray[np.uint8]


class LiveStream:
    """Camera or stream that is opened again when it drops, until a stop is requested.

    Args:
        source: camera or stream.
        stop: function that returns True to end; also called by the thread that reads the stream.

    Attributes:
        source: the camera or stream.
        n_drops: number of times that the stream dropped.

    Raises:
        DataError: if it cannot be opened, gives no image, or has an end.
    """

    def __init__(self, source: VideoSource, stop: Callable[[], bool]) -> None:
        self.n_drops = 0
        self.source, self._stop = source, stop
        _silence_ffmpeg()
        self._capture: Any = None
        first = self._open()
        if first is None:
            raise cannot_open(source)
        if n_frames := frame_count(self._capture):
            found, expected = f"a video file of {n_frames} frames", "a camera, or a stream without an end"
            raise DataError(source.name, found, expected, "leave out --watch")
        self._waiting: _Image | None = first
        self._size = self._scaled = first.shape[1], first.shape[0]
        self._start_s = self._last_s = time.monotonic()
        self._lost_s = 0.0

    def next_video(self) -> Video:
        """Return the frames until the stream is gone for more than `LONGEST_DROP_S`, or a stop is requested.

        Times are since the stream was first opened. The next call waits until the stream is back, without a limit.
        """
        return Video(self.source, ASSUMED_FPS, True, None, self._frames())

    def _frames(self) -> Iterator[Frame]:
        index = 0
        while not self._stop():
            image = self._next_image(LONGEST_DROP_S if index else np.inf)
            if image is None:
                return
            yield Frame(index, self._last_s - self._start_s, self._fitted(image), lost_s=self._lost_s)
            index += 1

    def _next_image(self, longest_drop_s: float) -> _Image | None:
        """Return the next image; None after a stop, or if the stream is gone for longer."""
        first, self._waiting = self._waiting, None
        if first is not None:
            return first
        image = _read(self._capture) if self._capture is not None else None
        if image is None and self._capture is not None:
            self._capture = None
            self.n_drops += 1
            log.warning("%s: the stream dropped; it is opened again until Ctrl-C", self.source.name)
        image = self._reopened(longest_drop_s) if image is None else image
        if image is not None:
            self._last_s = time.monotonic()
        return image

    def _reopened(self, longest_drop_s: float) -> _Image | None:
        while True:
            gone_s = time.monotonic() - self._last_s
            if gone_s > longest_drop_s:
                return None
            end = time.monotonic() + min(max(_PAUSE_SHARE * gone_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
            while time.monotonic() < end:
                if self._stop():
                    return None
                time.sleep(_STEP_S)
            image = self._open()
            if image is not None:
                gone_s = time.monotonic() - self._last_s
                self._lost_s += gone_s
                log.warning("%s: the stream is back after %.1f s", self.source.name, gone_s)
                return image

    def _open(self) -> _Image | None:
        """Open the stream, and return its first image; None if that fails."""
        capture = open_capture(self.source)
        image = _read(capture) if capture.isOpened() else None
        if image is not None:
            self._capture = capture
        return image

    def _fitted(self, image: _Image) -> _Image:
        """Return an image in the size of the first one: a camera may come back with another one."""
        size = image.shape[1], image.shape[0]
        if size == self._size:
            return image
        if size != self._scaled:
            self._scaled = size
            text = "%s: the stream came back with images of %d x %d; they are scaled to %d x %d, as before"
            log.warning(text, self.source.name, *size, *self._size)
        return np.asarray(cv2.resize(image, self._size), np.uint8)


def _read(capture: Any) -> _Image | None:
    """Return the next image (H, W, 3) RGB; None if there is none."""
    with suppress(cv2.error):  # an image that is damaged on its way
        is_read, image = capture.read()
        if is_read:
            return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    return None


def _silence_ffmpeg() -> None:
    """Let FFmpeg and OpenCV say nothing about a stream that cannot be opened: it is tried again and again.

    Stderr cannot be redirected meanwhile: the main thread needs it.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)
    # OpenCV 4 has this function in another place than OpenCV 5.
    set_level = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
    set_level(_SILENT)
