"""Names of frames in a pickle tree: text files with one name per line, in the hidden folder `.frame_names`.

They are in a separate folder because other programs take every file in a sequence folder for data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from skelgait.errors import DataError, reading
from skelgait.storage.atomic import remove_file, write_text

FOLDER = ".frame_names"


def frame_names_file(pickle: Path) -> Path:
    """Return the file with the names of the frames in a pickle file, in the same tree.

    Args:
        pickle: file ROOT/<identity>/<condition>/<view>/<file>.pkl; a link is not followed.
    """
    path = pickle.absolute()
    return Path(*path.parts[:-4], FOLDER, *path.parts[-4:-1], f"{path.name.removesuffix('.pkl')}.txt")


def source_of_frame_names(pickle: Path) -> Path:
    """Return the file to read the names of the frames in a pickle file from; those of a link are in its target's tree.

    Args:
        pickle: the pickle file, or a link to it.
    """
    return frame_names_file(pickle.resolve() if pickle.is_symlink() else pickle)


def read_frame_names(pickle: Path, length: int) -> list[str] | None:
    """Read the names of the frames in a pickle file; None if they are unknown.

    Args:
        pickle: the pickle file, or a link to it.
        length: number of its frames.

    Raises:
        DataError: if the names cannot be read, or their number is not `length`.
    """
    path, hint = source_of_frame_names(pickle), f"write {pickle.name} and the names again, or remove this file"
    if not path.is_file():
        return None
    with reading(path, "one frame name per line", hint):
        names = path.read_text(encoding="utf-8").split("\n")[:-1]
    if len(names) != length:
        raise DataError(path, f"{len(names)} names", f"{length}, the number of frames in {pickle.name}", hint)
    return names


def write_frame_names(pickle: Path, names: Sequence[str] | None) -> None:
    """Write the names of the frames in a pickle file; None: remove existing names.

    Raises:
        DataError: if the file cannot be written or removed.
    """
    if names is None:
        remove_file(frame_names_file(pickle))
    else:
        write_text(frame_names_file(pickle), frame_names_text(names))


def frame_names_text(names: Sequence[str]) -> str:
    """Return the content of the file with the names of the frames."""
    return "".join(f"{name}\n" for name in names)


def frame_number(name: str) -> int | None:
    """Return the number of a frame: the last group of digits in its name; None if it has none.

    `human_crop_f11627` is frame 11627, `001-bg-01-000-003` is frame 3, and `0021` is frame 21.
    """
    digits = re.findall(r"[0-9]+", name)
    try:
        return int(digits[-1])
    except (IndexError, ValueError):  # no digits, or too many for int()
        return None
