"""Trees and stores that the commands read as they are; and trees of pickles that none of them can read."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import DATASETS, Dataset
from skelgait.errors import DataError
from skelgait.inspection.files import ANYTHING, describe_array
from skelgait.inspection.partition_facts import dataset_of_keys, partition_facts
from skelgait.inspection.pose_facts import pose_facts
from skelgait.inspection.report import (
    Inspection,
    InspectionContext,
    evenly,
    in_numbers,
    key_facts,
    length_facts,
    read_each,
    several,
)
from skelgait.raw.poses.pickles import MAPPING
from skelgait.storage import Key, PickleTree, SequenceSource, open_any
from skelgait.storage.arrays import read_pickled

_FEW_FRAMES = 5
_ANY = "*.pkl"
_WHAT = {
    "pose": "poses, which `heatmap` draws",
    "map": "skeleton maps, which `link` pairs and `train` learns from",
    "silhouette": "aligned silhouettes, which `link` pairs with maps; no poses",
}


def inspect_store(looking: InspectionContext) -> Inspection | None:
    """A tree of poses, maps or silhouettes, HDF5 parts of them, or pairs; None where it is none of these."""
    opened = _open(looking)
    # With the numbers of frames beside the poses, `poses` makes more of them.
    if opened is None or any(path.name == MAPPING for path in looking.sample):
        return None
    source, options = opened
    keys = list(source.keys)
    arrays, unreadable = read_each(source.read, evenly(keys, looking.sequences))
    dataset = dataset_of_keys(keys)
    fit, mismatches = partition_facts(keys, dataset)
    first = {key: own[0] for key, own in arrays.items()}
    modality = source.modalities[0]
    facts, problems = pose_facts(first) if modality == "pose" else _picture_facts(arrays)
    if modality == "pose" and first and not facts["joints"]:
        return None  # nothing that can be drawn as it is
    storage = "a pickle tree" if isinstance(source, PickleTree) else "an HDF5 store"
    is_pairs = len(source.modalities) > 1
    return Inspection(
        f"pairs of skeleton maps and silhouettes, which `train` learns from, in {storage}"
        if is_pairs
        else f"{storage} of {_WHAT[modality]}",
        {**fit, **key_facts(keys, len(arrays)), **length_facts([len(a) for a in first.values()]), **facts},
        [*several(unreadable), *problems, *_too_short(first), *_misplaced(modality, looking.path), *mismatches],
        _next("pairs" if is_pairs else modality, looking.path, dataset, options),
    )


def _open(looking: InspectionContext) -> tuple[SequenceSource, str] | None:
    """What `open_any` finds, and the flags that a command needs to find it."""
    known = [(d, pattern) for d in DATASETS.values() for pattern in (d.pose_pattern, d.silhouette_pattern)]
    for dataset, pattern in [(None, _ANY), *(own for own in known if own[1] != _ANY)]:
        try:
            source = open_any(looking.path, pattern)
        except DataError:
            continue
        return source, f" --dataset {dataset.name}" if dataset else ""
    return None


def _picture_facts(arrays: Mapping[Key, tuple[NDArray[Any], ...]]) -> tuple[dict[str, object], list[str]]:
    """Sizes of maps and silhouettes, and what is odd about their values."""
    shapes = Counter(" and ".join(str(array.shape[1:]) for array in own) for own in arrays.values())
    facts: dict[str, object] = {"a frame": in_numbers(shapes)}
    problems = []
    if len(shapes) > 1:
        problems.append(f"frames of {len(shapes)} sizes: keep sequences of each in a tree of their own")
    dim = [str(key) for key, own in arrays.items() if any(0 < a.max(initial=0) < 2 for a in own)]
    if dim:
        problems.append(f"{len(dim)} sequences with values 0 and 1, such as {dim[0]}: networks expect 0 to 255")
    blank = sum(int((~a.reshape(len(a), -1).any(axis=1)).sum()) for own in arrays.values() for a in own)
    if blank:
        problems.append(f"{blank} frames are black: nobody was found in them")
    return facts, problems


def _too_short(arrays: Mapping[Key, NDArray[Any]]) -> list[str]:
    short = [str(key) for key, array in arrays.items() if len(array) < _FEW_FRAMES]
    return [f"too short to tell a walk, under {_FEW_FRAMES} frames: {len(short)}, such as {short[0]}"] if short else []


def _misplaced(kind: str, path: Path) -> list[str]:
    """What the folder's name says it is, and is not."""
    if kind == "pose" or "pose" not in path.resolve().name.lower():
        return []
    return [f"the folder is called {path.resolve().name}, but these are no poses: `heatmap` cannot draw them"]


def _next(kind: str, path: Path, dataset: Dataset | None, options: str) -> str:
    name = f" --dataset {dataset.name}" if dataset else options
    where = shlex.quote(str(path))
    return {
        "pose": f"skelgait heatmap --poses {where}{name}",
        "map": f"skelgait train --maps {where}{name}",
        "silhouette": f"skelgait link --silhouettes {where}{name}",
        "pairs": f"skelgait train --network skeletongait++ --pairs {where}{name}",
    }[kind]


def inspect_foreign_pickles(looking: InspectionContext) -> Inspection | None:
    """Pickles that no command reads, by the first of them; None where there is no pickle."""
    pickles = [path for path in looking.sample if path.suffix == ".pkl"]
    if not pickles:
        return None
    content = read_pickled(pickles[0], ANYTHING)
    if not isinstance(content, np.ndarray):
        raise DataError(
            pickles[0], f"a {type(content).__name__}", "one array a sequence", "export poses as one array (T, V, 3)"
        )
    what, problem = describe_array(content)
    facts = {"the first file": pickles[0], "its array": f"{content.shape} of {content.dtype}"}
    return Inspection(what, facts, [problem] if problem else [])
