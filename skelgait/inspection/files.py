"""Inspection of a single file: partition, checkpoint, or pickle of one sequence."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import load_partition
from skelgait.errors import DataError, resemblance
from skelgait.inspection.pose_facts import pose_facts
from skelgait.inspection.report import Inspection, InspectionContext
from skelgait.raw.poses.json_files import peek_json
from skelgait.skeletons import known_joint_counts
from skelgait.storage import Key, Modality
from skelgait.storage.arrays import read_pickled
from skelgait.storage.checks import check_modality

_ADD_CONFIDENCE = "run `skelgait poses` on the tree; it sets the confidence of present joints to 1"
_USE_2D_POSES = "skelgait needs 2D joints: use the 2D poses of the dataset, or run a 2D pose estimator"
ANY_PICKLE = "numbers, text, arrays, and lists and dictionaries of these"
_CHECKPOINTS = (".pt", ".pth")
_DESCRIPTIONS: dict[Modality, str] = {
    "pose": "poses of one sequence",
    "map": "skeleton maps of one sequence",
    "silhouette": "aligned silhouettes of one sequence",
}


def inspect_file(context: InspectionContext) -> Inspection | None:
    """Inspect a single file; return None for a folder, or a file with several sequences."""
    path = context.path
    if not path.is_file():
        return None
    if path.suffix in _CHECKPOINTS:
        command = f"skelgait evaluate --checkpoint {shlex.quote(str(path))}"
        return Inspection("a network checkpoint", {"bytes": path.stat().st_size}, (), command)
    if path.suffix == ".json":
        return _partition(path)
    if path.suffix == ".pkl":
        return _pickle(path)
    return None


def _partition(path: Path) -> Inspection | None:
    try:
        content = peek_json(path)
    except DataError:
        return None
    if not isinstance(content, dict) or not {"TRAIN_SET", "TEST_SET"} & set(content):
        return None
    partition = load_partition(path)
    facts = {
        "training identities": len(partition.train),
        "test identities": len(partition.test),
        "probes": len(partition.probes),
    }
    return Inspection("a partition", facts, (), f"skelgait train --partition {shlex.quote(str(path))}")


def _pickle(path: Path) -> Inspection | None:
    content = read_pickled(path, ANY_PICKLE)
    if not isinstance(content, np.ndarray) or content.dtype == object:
        return None
    facts: dict[str, object] = {"shape": content.shape, "dtype": str(content.dtype), "frames": len(content)}
    description, problem = describe_array(content)
    if problem:
        return Inspection(description, facts, [problem])
    command = f"skelgait show {shlex.quote(str(path))}"
    if not description.startswith("poses"):
        return Inspection(description, facts, (), command)
    poses = pose_facts({Key(*path.absolute().parts[-4:-1]): content})
    return Inspection(description, {**facts, **poses.facts}, poses.problems, command if poses.is_drawable else "")


def describe_array(array: NDArray[Any]) -> tuple[str, str]:
    """Describe the array of a sequence; return description and problem, which is empty if there is none."""
    for modality, description in _DESCRIPTIONS.items():
        try:
            check_modality(array, modality, Path())
        except DataError:
            continue
        if modality == "pose" and array.ndim == 3 and array.shape[1] not in known_joint_counts():
            break
        return description, ""
    return _describe_unusable(array)


def _describe_unusable(array: NDArray[Any]) -> tuple[str, str]:
    shape = array.shape
    if "SMPL" in resemblance(array):
        return f"SMPL parameters (T, {shape[1]}), no 2D joints", _USE_2D_POSES
    if array.ndim == 2 and shape[1] in (2 * count for count in known_joint_counts()):
        return f"rows of x and y of {shape[1] // 2} joints, without confidence", _ADD_CONFIDENCE
    if array.ndim == 2 and shape[1] in (3 * count for count in known_joint_counts()):
        return f"rows of {shape[1] // 3} joints", "run `skelgait poses` on the tree; it converts them to (T, V, 3)"
    if array.ndim == 3 and shape[2] == 2 and shape[1] in known_joint_counts():
        return f"poses of {shape[1]} joints without confidence", _ADD_CONFIDENCE
    if array.ndim == 3 and shape[2] == 3:
        known = ", ".join(map(str, known_joint_counts()))
        return (
            f"(T, {shape[1]}, 3): {shape[1]} joints or 3D points",
            f"known skeletons have {known} joints; {_USE_2D_POSES}",
        )
    if "silhouettes" in resemblance(array):
        hint = "write them as uint8 in 0 to 255"
        return f"silhouettes (T, {shape[1]}, {shape[2]}) of {array.dtype}, no poses", hint
    if array.ndim == 4 and 3 in (shape[1], shape[3]):
        return f"color images {shape}, no joints", _USE_2D_POSES
    return f"an array {shape} of {array.dtype}", f"unknown content; {_USE_2D_POSES}"
