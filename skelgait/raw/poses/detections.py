"""People as the file of a pose estimator describes them, before `conversion` makes a `RawSequence` of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

from skelgait.raw.poses.table_columns import TableFormat
from skelgait.skeletons import Skeleton

Third = Literal["confidence", "flag", "unknown"]
"""Third value of a joint: confidence, visibility flag (0, 1, 2), or either, as the values show."""


class Detection(NamedTuple):
    """One person in one frame.

    Attributes:
        joints: (V, 2) x and y, or (V, 3) with a third value, in the order of the file; (0, ...) for no joints.
        track: track id as the file has it; None: none.
        box: x, y, width and height as the file has them; None: none.
    """

    joints: NDArray[Any]
    track: Any = None
    box: Sequence[float] | None = None


@dataclass(frozen=True)
class Detections:
    """People in the frames of a sequence, as its files describe them.

    Attributes:
        path: file or folder, for error messages.
        frames: people of each frame, in time order.
        frame_names: name of each frame; None: frames have no names.
        skeleton: skeleton of the joints, if the file or its format names it; None: recognized by number and posture.
        third: third value of the joints.
        image_size: width and height of the images in pixels, if the file has them.
        unreadable: reason for each empty or damaged file, by its path; its frame has no people.
        is_one_person: True if each frame has the joints of one person by definition, even if all are missing.
    """

    path: Path
    frames: Sequence[Sequence[Detection]]
    frame_names: Sequence[str] | None = None
    skeleton: Skeleton | None = None
    third: Third = "unknown"
    image_size: tuple[int, int] | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    is_one_person: bool = False


class ReadOptions(NamedTuple):
    """Facts about raw poses that their files do not tell.

    Attributes:
        skeleton: skeleton of the joints; None: recognize.
        image_size: width and height of the images in pixels, for coordinates from 0 to 1; None: unknown.
        table: columns of a table; None: recognize.
    """

    skeleton: Skeleton | None = None
    image_size: tuple[int, int] | None = None
    table: TableFormat | None = None


NO_OPTIONS = ReadOptions()
