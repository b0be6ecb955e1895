"""People in the frames of a raw sequence, as every reader hands them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class ReadCounts:
    """Content of the files of a sequence that is not in the sequence.

    Attributes:
        unreadable: reason for each empty or damaged file, by its path; its frame has no people.
        without_joints: number of people without any joint; they are dropped.
        clipped: number of confidences above 1, which become 1.
    """

    unreadable: Mapping[str, str] = field(default_factory=dict)
    without_joints: int = 0
    clipped: int = 0


@dataclass(frozen=True)
class RawSequence:
    """People that a pose estimator detected in the frames of a sequence.

    All sequences of `T` have one item for each frame, in time order; the people of a frame have the same order in all.
    A frame without people has arrays of length 0. A frame that the file leaves out although its neighbors have numbers
    (image 3 of 1, 2, 4) is a frame without people.

    Attributes:
        people: T arrays (M, 17, 3), COCO-17 joints of M >= 0 people: x px, y px, confidence in [0, 1]; a joint that the
            skeleton of the file lacks is 0, 0, 0.
        frame_names: T names; None: frames have no names.
        tracks: T lists of the M track ids that the estimator wrote, -1 for a person without one; None: it did not track
            people.
        boxes: T arrays (M, 4), x, y, width and height in pixels as the detector wrote them; NaN for a person without a
            box; None: the file has no boxes.
        image_size: width and height of the images in pixels; None: unknown.
        skeleton: name of the skeleton in the file, before the conversion to COCO-17.
        counts: content of the files that is not in the sequence.
        is_one_person: True if each frame has the joints of one and the same person by definition.
    """

    people: Sequence[NDArray[Any]]
    frame_names: Sequence[str] | None = None
    tracks: Sequence[Sequence[int]] | None = None
    boxes: Sequence[NDArray[Any]] | None = None
    image_size: tuple[int, int] | None = None
    skeleton: str = "COCO-17"
    counts: ReadCounts = field(default_factory=ReadCounts)
    is_one_person: bool = False
