"""Matches of the tracks of a live stream in a thread of their own: frames do not wait for the network."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from skelgait.pipelines.track_matcher import TrackMatcher
from skelgait.pipelines.watch_events import TrackMatch
from skelgait.storage import Key
from skelgait.video.updates import TrackUpdate

# Number of tracks that wait at most: then the frames wait, so that memory is limited.
_MOST_WAITING = 16


class MatchWorker:
    """Matches of the tracks of a live stream in a thread of their own.

    A provisional match is left out while others wait: it would come too late.

    Args:
        matcher: network and gallery.
        video: name of the stream.
        key: key of the stream.
    """

    def __init__(self, matcher: TrackMatcher, video: str, key: Key) -> None:
        self._matcher, self._video, self._key = matcher, video, key
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._waiting: deque[Future[TrackMatch]] = deque()

    def __enter__(self) -> MatchWorker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._executor.shutdown(cancel_futures=True)

    def submit(self, updates: Sequence[TrackUpdate]) -> None:
        """Match the updates of a frame later."""
        is_busy = any(not future.done() for future in self._waiting)
        for update in updates:
            if update.is_over or not is_busy:
                future = self._executor.submit(self._matcher.match, self._video, self._key, update)
                self._waiting.append(future)

    def finished(self) -> Iterator[TrackMatch]:
        """Yield the matches that are done, in the order of their updates."""
        while self._waiting and (self._waiting[0].done() or len(self._waiting) > _MOST_WAITING):
            yield self._waiting.popleft().result()

    def all_others(self) -> Iterator[TrackMatch]:
        """Wait for the other matches, and yield them."""
        while self._waiting:
            yield self._waiting.popleft().result()
