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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PathLike = str | os.PathLike[str]
"""Path of a file or folder, as public functions take it."""


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
        return f"{self.where}: found {self.found}, expected {self.expected}; {self.hint}"


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
