"""Videos that are put into a folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from skelgait.errors import DataError
from skelgait.raw.file_tree import walk_folders
from skelgait.video.sources import VIDEO_SUFFIXES

log = logging.getLogger(__name__)

SETTLED_S = 2.0
"""Time in which the size of a video does not change, in seconds, after which it is finished."""
_POLL_S = 0.5


class _State(NamedTuple):
    size: int
    modified_ns: int


def finished_videos(root: Path, stop: Callable[[], bool], settled_s: float = SETTLED_S) -> Iterator[Path]:
    """Yield each video in a folder and below, the existing ones first, as soon as it is finished.

    A video that changes later is yielded again.

    Args:
        root: the folder.
        stop: function that returns True to end.
        settled_s: time in which size and modification time of a finished video do not change, in seconds.

    Raises:
        DataError: if the folder cannot be read at first. Later this is a warning, and the folder is read again.
    """
    states, is_readable = _states(root), True
    since = dict.fromkeys(states, time.monotonic())
    done: dict[Path, _State] = {}
    while not stop():
        for path, state in states.items():
            is_settled = time.monotonic() - since[path] >= settled_s
            if is_settled and done.get(path) != state and not stop():
                done[path] = state
                yield path
        time.sleep(min(_POLL_S, settled_s))
        try:
            found, is_readable = _states(root), True
        except DataError as error:
            if is_readable:
                log.warning("%s; it is read again until Ctrl-C", error)
            is_readable = False
            continue
        now = time.monotonic()
        since = {path: since[path] if states.get(path) == state else now for path, state in found.items()}
        done = {path: state for path, state in done.items() if path in found}
        states = found


def _states(root: Path) -> dict[Path, _State]:
    """Return size and modification time of each video in a folder and below."""
    states = {}
    for folder in walk_folders(root, "*"):
        for name in folder.names:
            path = folder.path / name
            if path.suffix.lower() in VIDEO_SUFFIXES:
                try:
                    facts = path.stat()
                except FileNotFoundError:  # removed meanwhile
                    continue
                except OSError as error:
                    raise DataError(path, error.strerror or str(error), "a readable video", "check the disk") from error
                states[path] = _State(facts.st_size, facts.st_mtime_ns)
    return states
