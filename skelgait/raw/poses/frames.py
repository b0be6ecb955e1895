"""Reading of sequences with one file per frame, some of which may be empty or damaged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from skelgait.errors import DataError, ShapeError, reading
from skelgait.raw.poses.detections import Detection
from skelgait.skeletons import Skeleton

_EXPECTED = "people in a frame"
_HINT = "export the frame again"
# A larger file is not that of one frame.
_MAX_FRAME_BYTES = 4 << 20


class FramePeople(NamedTuple):
    """Content of one frame file.

    Attributes:
        people: people in the frame.
        skeleton: skeleton that the file names; None: none.
        image_size: width and height of the image in pixels; None: unknown.
    """

    people: Sequence[Detection] = ()
    skeleton: Skeleton | None = None
    image_size: tuple[int, int] | None = None


def read_one_frame(path: Path, read_frame: Callable[[Path], FramePeople]) -> FramePeople:
    """Read a frame, see `read_frames`.

    Raises:
        DataError: if the file cannot be read, or is larger than that of one frame.
    """
    with reading(path, _EXPECTED, _HINT):
        size = path.stat().st_size
        if size > _MAX_FRAME_BYTES:
            raise DataError(path, f"{size} bytes", f"a frame of at most {_MAX_FRAME_BYTES} bytes", _HINT)
        return read_frame(path)


def read_frames(
    folder: Path, files: Sequence[Path], read_frame: Callable[[Path], FramePeople]
) -> tuple[list[FramePeople], dict[str, str]]:
    """Read the frames of a sequence. A file that is empty or damaged is a frame without people.

    Args:
        folder: folder of the sequence, for error messages.
        files: file of each frame.
        read_frame: function that reads a frame; raises DataError for an empty or damaged file, and ShapeError for
            joints of another kind.

    Returns:
        The frames, and the reason for each unreadable file by its path.

    Raises:
        ShapeError: if joints are of another kind.
        DataError: if no file can be read.
    """
    frames, unreadable, errors = [], {}, []
    for path in files:
        try:
            frames.append(read_one_frame(path, read_frame))
        except ShapeError:
            raise
        except DataError as error:
            frames.append(FramePeople())
            unreadable[str(path)] = error.found
            errors.append(error)
    if len(errors) == 1 == len(files):
        raise errors[0]
    if errors and len(errors) == len(files):
        found = f"{len(errors)} of {len(files)} files empty or damaged ({errors[0].where}: {errors[0].found})"
        raise DataError(folder, found, errors[0].expected, errors[0].hint)
    return frames, unreadable
