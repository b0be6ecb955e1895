"""Inspection of raw data: poses for `skelgait poses`, silhouette images for `skelgait silhouettes`."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.inspection.partition_facts import dataset_of_keys, partition_facts
from skelgait.inspection.pose_facts import pose_facts
from skelgait.inspection.report import (
    Inspection,
    InspectionContext,
    evenly_spaced,
    first_problems,
    format_counts,
    key_facts,
    length_facts,
    read_sequences,
)
from skelgait.inspection.track_facts import People, draw_tracks, find_people, track_facts
from skelgait.raw.file_tree import walk_folders
from skelgait.raw.keys import sequence_keys
from skelgait.raw.poses.layout import find_sequences
from skelgait.raw.poses.opening import match_layout
from skelgait.raw.poses.sequence import RawSequence
from skelgait.storage import Key

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")


def inspect_raw_poses(context: InspectionContext) -> Inspection | None:
    """Inspect poses in a raw layout; return None if no layout matches."""
    layout = match_layout(context.sample)
    if layout is None:
        return None
    command = f"skelgait poses {shlex.quote(str(context.path))}"
    facts: dict[str, object] = {"layout": layout.name}
    description = f"raw poses for `skelgait poses`: {layout.title}"
    try:
        raw = find_sequences(context.path, layout, context.names)
    except (DataError, SettingsError) as error:
        return Inspection(description, facts, [str(error)])
    keys = list(raw.keys)
    sequences, problems = read_sequences(raw.read, evenly_spaced(keys, context.sequences))
    dataset_facts, mismatches = partition_facts(keys, dataset_of_keys(keys))
    people = {key: find_people(sequence) for key, sequence in sequences.items()}
    walkers, unusable = _walkers(people)
    not_finite = sum(int((~np.isfinite(array).all(axis=2)).sum()) for array in walkers.values())
    # `poses` writes non-finite values as 0.
    poses = pose_facts({key: np.where(np.isfinite(a), a, 0) for key, a in walkers.items()})
    return Inspection(
        description if poses.is_drawable else f"{layout.title}; no sequence can be used",
        {
            **facts,
            **dataset_facts,
            **key_facts(keys, len(sequences)),
            **length_facts([len(sequence.people) for sequence in sequences.values()]),
            **_people_facts(sequences),
            **track_facts(people),
            **({"non-finite joints": not_finite} if not_finite else {}),
            **poses.facts,
            "joints": format_counts(Counter(sequence.skeleton for sequence in sequences.values())),
            **(draw_tracks(context.pictures, people, sequences) if context.pictures else {}),
        },
        [*first_problems(problems), *first_problems(unusable), *_unreadable(sequences), *poses.problems, *mismatches],
        _with_names(command, context.names) if poses.is_drawable else "",
    )


def _with_names(command: str, names: str | None) -> str:
    return command if names is None else f"{command} --names {shlex.quote(names)}"


def _walkers(people: dict[Key, People]) -> tuple[dict[Key, NDArray[Any]], list[str]]:
    """Return the joints (T, V, 3) of the walker of each sequence, and problems of sequences without such an array."""
    walkers, problems = {}, []
    for key, (_, walker) in people.items():
        joints = walker.joints if walker else []
        counts = sorted({len(frame) for frame in joints})
        if len(counts) == 1:
            walkers[key] = np.stack(joints)
        else:
            found = f"frames with {' and '.join(map(str, counts))} joints" if counts else "no person in any frame"
            problems.append(f"{key}: {found}; `skelgait poses` will skip it")
    return walkers, problems


def _unreadable(sequences: dict[Key, RawSequence]) -> list[str]:
    """Report empty and damaged files of sequences that are read without them."""
    files = [file for sequence in sequences.values() for file in sequence.counts.unreadable.items()]
    if not files:
        return []
    path, reason = files[0]
    return [f"{len(files)} empty or damaged files, such as {path} ({reason}): their frames are left out"]


def _people_facts(sequences: dict[Key, RawSequence]) -> dict[str, object]:
    counts = Counter(min(len(people), 2) for sequence in sequences.values() for people in sequence.people)
    total = sum(counts.values()) or 1
    return {
        "frames without people": f"{100 * counts[0] / total:.1f} %",
        "frames with several people": f"{100 * counts[2] / total:.1f} %",
    }


def inspect_images(context: InspectionContext) -> Inspection | None:
    """Inspect folders of images; return None if there is no image."""
    images = [path for path in context.sample if path.suffix.lower() in _IMAGE_SUFFIXES]
    if not images:
        return None
    folders = list(walk_folders(context.path, f"*{images[0].suffix}")) if context.path.is_dir() else []
    image = cv2.imread(str(images[0]), cv2.IMREAD_UNCHANGED)
    if image is None:
        return Inspection("images", {"first image": images[0]}, [f"{images[0]} cannot be read: download it again"])
    facts: dict[str, object] = {"folders": len(folders), "first image": images[0], "image shape": image.shape}
    if _is_colored(images[0]):
        hint = "skelgait needs 2D joints or silhouettes: run a pose estimator on the images first"
        return Inspection("color images", facts, [hint])
    description = "silhouette images for `skelgait silhouettes`"
    command = f"skelgait silhouettes {shlex.quote(str(context.path))}"
    try:
        keys = list(sequence_keys((folder.parts for folder in folders), context.path, context.names))
    except (DataError, SettingsError) as error:
        return Inspection(description, facts, [str(error)], command)
    dataset_facts, mismatches = partition_facts(keys, dataset_of_keys(keys))
    lengths = length_facts([len(folder.names) for folder in folders])
    facts = {**dataset_facts, **key_facts(keys, len(keys)), **lengths, **facts}
    return Inspection(description, facts, mismatches, command)


def _is_colored(path: Path) -> bool:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return image is not None and bool((image[..., 0] != image[..., 2]).any())
