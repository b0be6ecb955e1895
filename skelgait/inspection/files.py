"""A single file: a partition, a checkpoint, or the pickle of one sequence."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import load_partition
from skelgait.errors import DataError, resemblance
from skelgait.inspection.pose_facts import pose_facts
from skelgait.inspection.report import Inspection, InspectionContext
from skelgait.skeletons import known_joint_counts
from skelgait.storage import Key, Modality
from skelgait.storage.arrays import read_pickled
from skelgait.storage.checks import check_modality

_GIVES_CONFIDENCE = "run `skelgait poses` on the tree, which gives every joint that is there the confidence 1"
ANYTHING = "numbers, text, arrays, and lists and dictionaries of these"
_CHECKPOINTS = (".pt", ".pth")
_KINDS: dict[Modality, str] = {
    "pose": "poses of one sequence",
    "map": "skeleton maps of one sequence",
    "silhouette": "aligned silhouettes of one sequence; no poses",
}


def inspect_file(looking: InspectionContext) -> Inspection | None:
    """What a single file is; None where it is a folder, or holds many sequences."""
    path = looking.path
    if not path.is_file():
        return None
    if path.suffix in _CHECKPOINTS:
        command = f"skelgait evaluate --checkpoint {shlex.quote(str(path))}"
        return Inspection("a checkpoint of a network", {"bytes": path.stat().st_size}, (), command)
    if path.suffix == ".json":
        return _partition(path)
    if path.suffix == ".pkl":
        return _pickle(path)
    return None


def _partition(path: Path) -> Inspection | None:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    if not isinstance(content, dict) or not {"TRAIN_SET", "TEST_SET"} & set(content):
        return None
    partition = load_partition(path)
    facts = {"to train on": len(partition.train), "to test": len(partition.test), "probes": len(partition.probes)}
    return Inspection("a partition", facts, (), f"skelgait train --partition {shlex.quote(str(path))}")


def _pickle(path: Path) -> Inspection | None:
    content = read_pickled(path, ANYTHING)
    if not isinstance(content, np.ndarray) or content.dtype == object:
        return None
    facts: dict[str, object] = {"shape": content.shape, "type": str(content.dtype), "frames": len(content)}
    what, problem = describe_array(content)
    if problem:
        return Inspection(what, facts, [problem])
    if not what.startswith("poses"):
        return Inspection(what, facts, (), f"skelgait show {shlex.quote(str(path))}")
    more, problems = pose_facts({Key(*path.absolute().parts[-4:-1]): content})
    return Inspection(what, {**facts, **more}, problems, f"skelgait show {shlex.quote(str(path))}")


def describe_array(array: NDArray[Any]) -> tuple[str, str]:
    """What the array of a sequence is, and what is wrong with it, if anything is."""
    for modality, what in _KINDS.items():
        try:
            check_modality(array, modality, Path())
        except DataError:
            continue
        if modality == "pose" and array.ndim == 3 and array.shape[1] not in known_joint_counts():
            break
        return what, ""
    return _wrong(array)


def _wrong(array: NDArray[Any]) -> tuple[str, str]:
    take_poses = "skelgait draws 2D joints: take the dataset's 2D poses, or run a 2D pose estimator"
    shape = array.shape
    if "SMPL" in resemblance(array):
        return f"SMPL parameters (T, {shape[1]}), no 2D joints", take_poses
    if array.ndim == 2 and shape[1] in (2 * count for count in known_joint_counts()):
        return f"rows of x and y of {shape[1] // 2} joints, without confidence", _GIVES_CONFIDENCE
    if array.ndim == 2 and shape[1] in (3 * count for count in known_joint_counts()):
        return f"rows of {shape[1] // 3} joints", "run `skelgait poses` on the tree, which makes (T, V, 3) of them"
    if array.ndim == 3 and shape[2] == 2 and shape[1] in known_joint_counts():
        return f"poses of {shape[1]} joints without confidence", _GIVES_CONFIDENCE
    if array.ndim == 3 and shape[2] == 3:
        known = ", ".join(map(str, known_joint_counts()))
        return f"(T, {shape[1]}, 3): {shape[1]} joints, or points", f"known formats have {known} joints; {take_poses}"
    if "silhouettes" in resemblance(array):
        hint = "write them as uint8, 0 to 255"
        return f"silhouettes (T, {shape[1]}, {shape[2]}) of {array.dtype}; no poses", hint
    if array.ndim == 4 and 3 in (shape[1], shape[3]):
        return f"color pictures {shape}, no joints", take_poses
    return f"an array {shape} of {array.dtype}", f"nothing that skelgait knows; {take_poses}"
