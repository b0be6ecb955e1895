"""What a dataset or an estimator gives: poses that `poses` reads, pictures that `silhouettes` aligns."""

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
    evenly,
    key_facts,
    length_facts,
    read_each,
    several,
)
from skelgait.raw.file_tree import walk_folders
from skelgait.raw.keys import sequence_keys
from skelgait.raw.poses.layout import RawSequence, find_sequences
from skelgait.raw.poses.registry import match_layout
from skelgait.raw.poses.walker_selection import select_walker
from skelgait.storage import Key

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")


def inspect_raw_poses(looking: InspectionContext) -> Inspection | None:
    """Poses in a raw layout; None where none is recognized."""
    layout = match_layout(looking.sample)
    if layout is None:
        return None
    command = f"skelgait poses {shlex.quote(str(looking.path))}"
    facts: dict[str, object] = {"layout": layout.name}
    what = f"raw poses, which `poses` reads: {layout.title}"
    try:
        raw = find_sequences(looking.path, layout, looking.names)
    except (DataError, SettingsError) as error:
        return Inspection(what, facts, [str(error)], command)
    keys = list(raw.keys)
    sequences, problems = read_each(raw.read, evenly(keys, looking.sequences))
    fit, mismatches = partition_facts(keys, dataset_of_keys(keys))
    walkers, ragged = _walkers(sequences)
    not_finite = sum(int((~np.isfinite(array).all(axis=2)).sum()) for array in walkers.values())
    # As `poses` writes them.
    more, wrong = pose_facts({key: np.where(np.isfinite(own), own, 0) for key, own in walkers.items()})
    return Inspection(
        what,
        {
            **facts,
            **fit,
            **key_facts(keys, len(sequences)),
            **length_facts([len(sequence.people) for sequence in sequences.values()]),
            **_people_facts(sequences),
            **({"joints that are no numbers": not_finite} if not_finite else {}),
            **more,
        },
        [*several(problems), *several(ragged), *wrong, *mismatches],
        _next(command, looking.names) if walkers else "",
    )


def _next(command: str, names: str | None) -> str:
    return command if names is None else f"{command} --names {shlex.quote(names)}"


def _walkers(sequences: dict[Key, RawSequence]) -> tuple[dict[Key, NDArray[Any]], list[str]]:
    """The joints of each sequence's walker, and which sequences have none that one array could hold."""
    walkers, problems = {}, []
    for key, sequence in sequences.items():
        joints = select_walker(sequence, {}, {}).joints
        counts = sorted({len(one) for one in joints})
        if len(counts) == 1:
            walkers[key] = np.stack(joints)
        else:
            found = f"frames with {' and '.join(map(str, counts))} joints" if counts else "nobody in any frame"
            problems.append(f"{key}: {found}: `poses` cannot write it")
    return walkers, problems


def _people_facts(sequences: dict[Key, RawSequence]) -> dict[str, object]:
    counts = Counter(min(len(people), 2) for sequence in sequences.values() for people in sequence.people)
    total = sum(counts.values()) or 1
    return {
        "frames with nobody": f"{100 * counts[0] / total:.1f} %",
        "frames with several people": f"{100 * counts[2] / total:.1f} %",
    }


def inspect_pictures(looking: InspectionContext) -> Inspection | None:
    """Folders of pictures; None where there is none."""
    pictures = [path for path in looking.sample if path.suffix.lower() in _PICTURES]
    if not pictures:
        return None
    folders = list(walk_folders(looking.path, f"*{pictures[0].suffix}")) if looking.path.is_dir() else []
    image = cv2.imread(str(pictures[0]), cv2.IMREAD_UNCHANGED)
    if image is None:
        return Inspection("pictures", {"the first one": pictures[0]}, [f"{pictures[0]} cannot be read: fetch it again"])
    facts: dict[str, object] = {"folders": len(folders), "the first one": pictures[0], "its shape": image.shape}
    if _is_colored(pictures[0]):
        hint = "skelgait works on 2D joints and silhouettes: run a pose estimator on them first"
        return Inspection("pictures in color", facts, [hint])
    what = "pictures of silhouettes, which `silhouettes` aligns"
    command = f"skelgait silhouettes {shlex.quote(str(looking.path))}"
    try:
        keys = list(sequence_keys((folder.parts for folder in folders), looking.path, looking.names))
    except (DataError, SettingsError) as error:
        return Inspection(what, facts, [str(error)], command)
    fit, mismatches = partition_facts(keys, dataset_of_keys(keys))
    lengths = length_facts([len(folder.names) for folder in folders])
    return Inspection(what, {**fit, **key_facts(keys, len(keys)), **lengths, **facts}, mismatches, command)


def _is_colored(path: Path) -> bool:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    return image is not None and bool((image[..., 0] != image[..., 2]).any())
