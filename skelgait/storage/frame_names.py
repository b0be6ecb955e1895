"""Names of the frames of a sequence in a pickle tree: a text file, one name a line, in a tree of its own.

That tree is a hidden folder in the root of the other one: other programs take any file beside a pickle for data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError
from skelgait.storage.atomic import remove_file, write_text

FOLDER = ".frame_names"


def frame_names_file(pickle: Path) -> Path:
    """Where the names of the frames in ROOT/<identity>/<condition>/<view>/<file>.pkl, or what it links to, are."""
    path = pickle.resolve() if pickle.is_symlink() else pickle.absolute()
    return Path(*path.parts[:-4], FOLDER, *path.parts[-4:-1], f"{path.name.removesuffix('.pkl')}.txt")


def read_frame_names(pickle: Path, length: int) -> list[str] | None:
    """The names of the `length` frames in a pickle file; None where they have none.

    Raises:
        DataError: the names cannot be read, or are not as many as there are frames.
    """
    path, hint = frame_names_file(pickle), f"write {pickle.name} and its names again, or remove the names"
    try:
        names = path.read_text(encoding="utf-8").split("\n")[:-1]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, str(error), "names of frames, one a line", hint) from error
    if len(names) != length:
        raise DataError(path, f"{len(names)} names", f"{length}, as there are frames in {pickle.name}", hint)
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
