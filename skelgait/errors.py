"""Every error that skelgait raises on purpose.

SkelgaitError
├── SettingsError     a setting, a flag or a settings file
├── DataError         a data file or a data folder
│   └── ShapeError    an array of the wrong shape or type
├── CheckpointError   a checkpoint file
└── ProtocolError     an evaluation that the data at hand cannot answer
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

PathLike = str | os.PathLike[str]
"""Path of a file or folder, as public functions take it."""


class SkelgaitError(Exception):
    """What went wrong, in one line: where, what was found, what was expected, and a hint.

    Args:
        where: the file, flag or dotted setting at fault.
        found: what is there now.
        expected: what should have been there.
        hint: what to do about it, as an instruction.
    """

    def __init__(self, where: PathLike, found: str, expected: str, hint: str) -> None:
        # All four go to Exception, so that the error survives the way from a worker process.
        super().__init__(os.fspath(where), found, expected, hint)
        self.where = os.fspath(where)
        self.found = found
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}, expected {self.expected}; {self.hint}"


class SettingsError(SkelgaitError):
    """A setting, a flag or a settings file that cannot be used."""


class DataError(SkelgaitError):
    """A data file or folder that cannot be used."""


class ShapeError(DataError):
    """An array of the wrong shape or type."""


class CheckpointError(SkelgaitError):
    """A checkpoint that cannot be used."""


class ProtocolError(SkelgaitError):
    """An evaluation that the data at hand cannot answer."""


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
