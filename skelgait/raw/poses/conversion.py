"""Conversion of the people in a file to pixels, confidences and COCO-17."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.raw.poses.coordinates import to_pixels
from skelgait.raw.poses.detections import Detection, Detections, ReadOptions
from skelgait.raw.poses.posture import choose_skeleton, is_present
from skelgait.raw.poses.sequence import RawSequence, ReadCounts
from skelgait.raw.poses.third_values import to_confidences
from skelgait.raw.poses.track_ids import parse_track_ids
from skelgait.skeletons import Skeleton, find_skeleton, skeletons_with

_ONE_SKELETON = "export the poses with one skeleton"


def to_sequence(detections: Detections, options: ReadOptions) -> RawSequence:
    """Convert the people in a file to COCO-17 in pixels, with confidences in [0, 1].

    Args:
        detections: people in the frames of a sequence, as the file describes them.
        options: facts that the file does not tell.

    Raises:
        DataError: if joints are 3D, if coordinates are not pixels and the size of the images is unknown, or if several
            skeletons are possible.
        ShapeError: if people have different numbers of joints, or no known skeleton has this number.
        SettingsError: if the skeleton in `options` has another number of joints.
    """
    frames = [[person for person in frame if _has_joints(person, detections)] for frame in detections.frames]
    n_people = sum(map(len, frames))
    without_joints = sum(map(len, detections.frames)) - n_people
    counts = ReadCounts(detections.unreadable, without_joints)
    if not n_people:
        people = [np.zeros((0, 17, 3)) for _ in frames]
        return RawSequence(people, detections.frame_names, parse_track_ids(frames), counts=counts)
    joints = _stack([person.joints for frame in frames for person in frame], detections.path)
    skeletons = _candidates(joints, detections, options)
    joints, n_clipped = to_confidences(joints, detections.third, detections.path)
    joints, boxes = to_pixels(joints, _boxes(frames), options.image_size or detections.image_size, detections.path)
    skeleton = _decide(joints, skeletons, detections.path)
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    return RawSequence(
        np.split(skeleton.to_coco17(joints), ends),
        detections.frame_names,
        parse_track_ids([[person.track for person in frame] for frame in frames]),
        None if boxes is None else np.split(boxes, ends),
        options.image_size or detections.image_size,
        skeleton.name,
        ReadCounts(detections.unreadable, without_joints, n_clipped),
        detections.is_one_person,
    )


def _has_joints(person: Detection, detections: Detections) -> bool:
    if person.joints.size == 0 or (detections.third == "flag" and not (person.joints[:, 2:] != 0).any()):
        return False
    return detections.is_one_person or bool(is_present(person.joints).any())


def _stack(people: Sequence[NDArray[Any]], path: Path) -> NDArray[Any]:
    """Stack the joints of all people, (N, V, 3); joints without a third value get the confidence 1, missing ones 0."""
    counts = sorted({len(joints) for joints in people})
    if len(counts) > 1:
        found = f"people with {' and '.join(map(str, counts))} joints"
        raise ShapeError(path, found, "the same number of joints for all people", _ONE_SKELETON)
    widths = sorted({joints.shape[1] for joints in people})
    if widths not in ([2], [3]):
        found = f"joints of {' and '.join(map(str, widths))} values"
        raise ShapeError(path, found, "x, y and confidence of each joint", "export 2D poses")
    stacked = np.stack(people)
    if widths == [3]:
        return stacked
    is_known = (stacked != 0).any(axis=-1, keepdims=True)
    return np.concatenate([stacked, is_known.astype(stacked.dtype)], axis=-1)


def _candidates(joints: NDArray[Any], detections: Detections, options: ReadOptions) -> tuple[Skeleton, ...]:
    """Return the skeletons that the joints may have, from `--skeleton`, from the file, or by their number."""
    n_joints = joints.shape[1]
    named = options.skeleton or detections.skeleton
    if named is not None and len(named.joints) == n_joints:
        return (named,)
    if options.skeleton is not None:
        found = f"{options.skeleton.name} with {len(options.skeleton.joints)} joints"
        raise SettingsError("--skeleton", found, f"{n_joints} joints, as in {detections.path}", "pass another one")
    find_skeleton(n_joints, str(detections.path))
    return skeletons_with(n_joints)


def _decide(joints: NDArray[Any], skeletons: tuple[Skeleton, ...], path: Path) -> Skeleton:
    """Return the skeleton that the posture of the people shows.

    If the posture is impossible in all of them, the most common one is returned; `preprocess` refuses the sequence.

    Raises:
        DataError: if several are possible.
    """
    if len(skeletons) == 1:
        return skeletons[0]
    possible = choose_skeleton(joints, skeletons).skeletons
    if len(possible) > 1:
        names = [skeleton.name for skeleton in possible]
        found = f"{joints.shape[1]} joints whose posture fits {' and '.join(names)}"
        raise DataError(path, found, "one possible skeleton", f"pass --skeleton {names[0]}, or another one of them")
    return possible[0] if possible else skeletons[0]


def _boxes(frames: Iterable[Iterable[Detection]]) -> NDArray[np.float64] | None:
    """Return the boxes (N, 4) of all people, NaN for a person without one; None if nobody has one."""
    boxes = [person.box for frame in frames for person in frame]
    if all(box is None for box in boxes):
        return None
    return np.array([_box(box) for box in boxes])


def _box(box: Sequence[float] | None) -> NDArray[np.float64]:
    try:
        values = np.asarray(box, np.float64).ravel()
    except (TypeError, ValueError):
        return np.full(4, np.nan)
    return values if values.shape == (4,) else np.full(4, np.nan)
