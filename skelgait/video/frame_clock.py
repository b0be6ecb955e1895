"""Clock of the frames of a video that stands still while a stream is gone."""

from __future__ import annotations

from collections import deque

from skelgait.raw.poses.track_joins import Pause
from skelgait.video.reading import ASSUMED_FPS, Frame

# Number of frames that the frames per second are measured in.
_WINDOW = 30


class FrameClock:
    """Clock of the frames of a video that stands still while a stream is gone.

    Attributes:
        pauses: times in which the stream was gone.
    """

    def __init__(self) -> None:
        self.pauses: list[Pause] = []
        self._recent: deque[tuple[int, float]] = deque(maxlen=_WINDOW)
        self._lost_s: float | None = None

    def add(self, frame: Frame) -> float:
        """Return the time of the next frame in seconds, without the pauses."""
        lost_s = frame.lost_s - (frame.lost_s if self._lost_s is None else self._lost_s)
        if lost_s > 0:
            self.pauses.append(Pause(frame.index, round(lost_s * self._frames_per_second())))
        self._lost_s = frame.lost_s
        now_s = frame.time_s - frame.lost_s
        self._recent.append((frame.index, now_s))
        return now_s

    def forget(self, before: int | None) -> None:
        """Forget the pauses up to a frame; None: all."""
        self.pauses = [] if before is None else [pause for pause in self.pauses if pause.frame > before]

    def _frames_per_second(self) -> float:
        (first, start_s), (last, end_s) = self._recent[0], self._recent[-1]
        return (last - first) / (end_s - start_s) if end_s > start_s else ASSUMED_FPS
