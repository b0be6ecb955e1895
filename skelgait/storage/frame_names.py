"""Names of the frames of a sequence, in a text file beside its pickle: one name a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError
from skelgait.storage.atomic import remove_file, write_text


def frame_names_file(pickle: Path) -> Path:
    """Where the names of the frames in a pickle file are."""
    return pickle.with_name(f"{pickle.name.removesuffix('.pkl')}.frames.txt")


def read_frame_names(pickle: Path, length: int) -> list[str] | None:
    """The names of the `length` frames in a pickle file; None where they have none.

    Raises:
        DataError: the names cannot be read, or are not as many as there are frames.
    """
    path, mend = frame_names_file(pickle), f"write {pickle.name} and its names again, or remove the names"
    try:
        names = path.read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, str(error), "names of frames, one a line", mend) from error
    if len(names) != length:
        raise DataError(path, f"{len(names)} names", f"{length}, as there are frames in {pickle.name}", mend)
    return names


def write_frame_names(pickle: Path, names: Sequence[str] | None) -> None:
    """Write the names of the frames in a pickle file, or see that there are none.

    Raises:
        DataError: the file cannot be written or removed.
    """
    if names is None:
        remove_file(frame_names_file(pickle))
    else:
        write_text(frame_names_file(pickle), "".join(f"{name}\n" for name in names))


def frame_number(name: str) -> int | None:
    """The number of a frame, by the last digits in its name; None where there are none.

    `human_crop_f11627` is frame 11627, `001-bg-01-000-003` is frame 3, and `0021` is frame 21.
    """
    digits = re.findall(r"[0-9]+", name)
    try:
        return int(digits[-1])
    except (IndexError, ValueError):  # there are none, or thousands of them
        return None
