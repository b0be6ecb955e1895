"""Errors that skelgait raises.

SkelgaitError
├── SettingsError     setting, flag or settings file
├── DataError         data file or folder
│   └── ShapeError    array of the wrong shape or type
├── CheckpointError   checkpoint file
└── ProtocolError     evaluation that the data do not allow
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from skelgait.display.text import printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

PathLike = str | os.PathLike[str]
"""Path of a file or folder, as public functions take it."""

_MAX_REASON = 200


class SkelgaitError(Exception):
    """Base error: location, found value, expected value and a hint.

    Args:
        where: file, flag or dotted settings key.
        found: value or state that was found.
        expected: value or state that was expected.
        hint: what to do about it, as an instruction.
    """

    def __init__(self, where: PathLike, found: str, expected: str, hint: str) -> None:
        # Exception keeps its arguments for pickling; all four are needed to rebuild an error from a worker process.
        super().__init__(os.fspath(where), found, expected, hint)
        self.where = os.fspath(where)
        self.found = found
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        # All of them may contain names of files, or text in them.
        where, found, expected, hint = map(printable, (self.where, self.found, self.expected, self.hint))
        return f"{where}: found {found}, expected {expected}; {hint}"


class SettingsError(SkelgaitError):
    """Invalid setting, flag or settings file."""


class DataError(SkelgaitError):
    """Missing, damaged or unsuitable data file or folder."""


class ShapeError(DataError):
    """Array of the wrong shape or type."""


class CheckpointError(SkelgaitError):
    """Missing, damaged or unsuitable checkpoint."""


class ProtocolError(SkelgaitError):
    """Evaluation protocol that cannot be applied to the data."""


@contextmanager
def reading(
    path: PathLike,
    expected: str,
    hint: str,
    found: str = "content that cannot be read",
    also: tuple[type[Exception], ...] = (),
    raises: type[SkelgaitError] = DataError,
) -> Iterator[None]:
    """Turn what can go wrong while a file is read in the block into an error of this file.

    Errors of the system, of text, of numbers and of values, too little memory and too deep nesting are caught. A pipe
    or device, which may have no end, is refused before it is read, except for settings: `--settings <(...)`.

    Args:
        path: file that is read.
        expected: content that was expected.
        hint: what to do about other content.
        found: description of other content; the reason follows in brackets.
        also: further errors that other content raises, such as `csv.Error`.
        raises: kind of error to raise.

    Raises:
        SkelgaitError: of the kind `raises`, if one of these errors is raised in the block.
    """
    others: tuple[type[Exception], ...] = (ArithmeticError, ValueError, *also)
    if raises is not SettingsError and is_endless(path):
        raise raises(path, "a pipe or device", expected, "copy its content into a file")
    try:
        yield
    except SkelgaitError:
        raise
    except OSError as error:
        raise raises(path, error.strerror or str(error), expected, "check the path and its permissions") from error
    except MemoryError as error:
        raise raises(path, "more than fits into the memory", expected, hint) from error
    except RecursionError as error:
        raise raises(path, f"{found} (nested too deeply)", expected, hint) from error
    except others as error:
        raise raises(path, f"{found} ({reason_of(error)})", expected, hint) from error


def is_endless(path: PathLike) -> bool:
    """Return True for a pipe or device, which may have no end; False for a file or folder, or if there is nothing."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - `path` may be text
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def reason_of(error: Exception) -> str:
    """Return the message of an error of another library in one line of limited length, for messages."""
    text = printable(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= _MAX_REASON else f"{text[: _MAX_REASON - 3]}..."


def resemblance(array: NDArray[Any]) -> str:
    """Return what an array resembles, for messages: " (like silhouettes)"; empty if it resembles nothing known."""
    shape = array.shape
    if len(shape) == 4 and shape[1] == 2:
        return " (like skeleton maps)"
    if len(shape) == 3 and shape[2] == 3:
        return " (like poses)"
    if len(shape) == 3 and min(shape[1:]) >= 32:
        return " (like silhouettes)"
    if len(shape) == 2 and shape[1] == 85:
        return " (like SMPL parameters)"
    return ""
