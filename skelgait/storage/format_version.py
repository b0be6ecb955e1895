"""Version of the format of a file, so that an old program does not misread a new file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelgait.errors import DataError


def check_format(path: Path, found: object, newest: int) -> None:
    """Check that this version of skelgait can read the format of a file.

    Args:
        path: file, for the error.
        found: version in the file; None: the file has none, it was written before versions were counted.
        newest: newest version that can be read.

    Raises:
        DataError: if the version is newer, or no version.
    """
    if found is None:
        return
    if isinstance(found, bool) or not isinstance(found, int | np.integer) or found < 1:
        raise DataError(path, f"format {found!r}", f"a number from 1 to {newest}", "restore the file")
    if found > newest:
        expected = f"format {newest} or older"
        raise DataError(path, f"format {found}, of a newer skelgait", expected, "run `pip install --upgrade skelgait`")
