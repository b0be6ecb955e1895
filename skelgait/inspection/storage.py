"""Inspection of pickle trees, HDF5 stores and pairs, and of pickles that no command can read."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import DATASETS, Dataset
from skelgait.errors import DataError
from skelgait.inspection.files import ANY_PICKLE, describe_array
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
from skelgait.raw.poses.pickles import MAPPING
from skelgait.storage import Key, SequenceSource, open_any
from skelgait.storage.arrays import read_pickled

_MIN_FRAMES = 5
_DEFAULT_PATTERN = "*.pkl"
_DESCRIPTIONS = {
    "pose": "poses for `skelgait heatmap`",
    "map": "skeleton maps for `skelgait train` and `skelgait link`",
    "silhouette": "aligned silhouettes for `skelgait link`",
}


def inspect_storage(context: InspectionContext) -> Inspection | None:
    """Inspect a pickle tree, an HDF5 store or pairs; return None for other content."""
    opened = _open(context)
    # Poses with a mapping file are raw poses: `skelgait poses` reads the frame numbers.
    if opened is None or any(path.name == MAPPING for path in context.sample):
        return None
    source, options = opened
    keys = list(source.keys)
    arrays, unreadable = read_sequences(source.read, evenly_spaced(keys, context.sequences))
    dataset = dataset_of_keys(keys)
    dataset_facts, mismatches = partition_facts(keys, dataset)
    first = {key: channels[0] for key, channels in arrays.items()}
    modality = source.modalities[0]
    facts, problems, is_usable = pose_facts(first) if modality == "pose" else (*_image_facts(arrays), True)
    if modality == "pose" and first and not facts["joints"]:
        return None  # these poses need `skelgait poses`
    is_pairs = len(source.modalities) > 1
    return Inspection(
        f"pairs of skeleton maps and silhouettes for `skelgait train`, in {source.title}"
        if is_pairs
        else f"{source.title} of {_DESCRIPTIONS[modality]}",
        {**dataset_facts, **key_facts(keys, len(arrays)), **length_facts([len(a) for a in first.values()]), **facts},
        [*first_problems(unreadable), *problems, *_too_short(first), *_misplaced(modality, context.path), *mismatches],
        _next_command("pairs" if is_pairs else modality, context.path, dataset, options) if is_usable else "",
    )


def _open(context: InspectionContext) -> tuple[SequenceSource, str] | None:
    """Open the sequences at the path; return the source and the flags that commands need to open it."""
    candidates = {_DEFAULT_PATTERN: ""}
    for dataset in DATASETS.values():
        for pattern in (dataset.pose_pattern, dataset.silhouette_pattern):
            candidates.setdefault(pattern, f" --dataset {dataset.name}")
    for pattern, flags in candidates.items():
        with suppress(DataError):
            return open_any(context.path, pattern), flags
    return None


def _image_facts(arrays: Mapping[Key, tuple[NDArray[Any], ...]]) -> tuple[dict[str, object], list[str]]:
    """Return facts and problems of maps and silhouettes: frame shapes and values."""
    shapes = Counter(" and ".join(str(array.shape[1:]) for array in channels) for channels in arrays.values())
    facts: dict[str, object] = {"frame shape": format_counts(shapes)}
    problems = []
    if len(shapes) > 1:
        problems.append(f"frames of {len(shapes)} shapes: put sequences of each shape in a separate folder")
    binary = [str(key) for key, channels in arrays.items() if any(0 < a.max(initial=0) < 2 for a in channels)]
    if binary:
        problems.append(f"{len(binary)} sequences with values 0 and 1, such as {binary[0]}: multiply them by 255")
    blank = sum(int((~a.reshape(len(a), -1).any(axis=1)).sum()) for channels in arrays.values() for a in channels)
    if blank:
        problems.append(f"{blank} black frames: check the poses or silhouettes that they were made from")
    return facts, problems


def _too_short(arrays: Mapping[Key, NDArray[Any]]) -> list[str]:
    short = [str(key) for key, array in arrays.items() if len(array) < _MIN_FRAMES]
    return [f"{len(short)} sequences with fewer than {_MIN_FRAMES} frames, such as {short[0]}"] if short else []


def _misplaced(kind: str, path: Path) -> list[str]:
    """Report a folder with "pose" in its name that contains other data."""
    if kind == "pose" or "pose" not in path.resolve().name.lower():
        return []
    return [f"the folder {path.resolve().name} contains no poses: `skelgait heatmap` cannot draw them"]


def _next_command(kind: str, path: Path, dataset: Dataset | None, options: str) -> str:
    flags = f" --dataset {dataset.name}" if dataset else options
    quoted = shlex.quote(str(path))
    return {
        "pose": f"skelgait heatmap --poses {quoted}{flags}",
        "map": f"skelgait train --maps {quoted}{flags}",
        "silhouette": f"skelgait link --silhouettes {quoted}{flags}",
        "pairs": f"skelgait train --network skeletongait++ --pairs {quoted}{flags}",
    }[kind]


def inspect_unreadable_pickles(context: InspectionContext) -> Inspection | None:
    """Inspect the first of several pickles that no command can read; return None if there is no pickle."""
    pickles = [path for path in context.sample if path.suffix == ".pkl"]
    if not pickles:
        return None
    content = read_pickled(pickles[0], ANY_PICKLE)
    if not isinstance(content, np.ndarray):
        return None
    description, problem = describe_array(content)
    facts = {"first file": pickles[0], "array": f"{content.shape} of {content.dtype}"}
    return Inspection(description, facts, [problem] if problem else [])
