"""Datasets of synthetic walkers, in the folder structure of a real dataset."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Dataset, Partition, SyntheticLayout
from skelgait.errors import PathLike, SettingsError
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.rng import rng_for
from skelgait.skeletons import COCO_17, OPENPOSE_18
from skelgait.storage import Key, PickleTreeWriter
from skelgait.storage.atomic import write_text
from skelgait.storage.lock import lock_folder
from skelgait.synth.anthropometry import sample_person, vary_habits
from skelgait.synth.body import silhouettes
from skelgait.synth.camera import Camera, simulate_detection
from skelgait.synth.gait import Condition, walk

# First entry of the positions in `rng_for`.
_PERSON_DRAWS, _WALK_DRAWS, _CAMERA_DRAWS = range(3)

# Factor of the detection noise under a coat.
_COAT_NOISE = 1.3


@dataclass(frozen=True)
class SynthReport:
    """Summary of a synthetic dataset.

    Attributes:
        people: number of people, half of them for training and half for test.
        sequences: number of sequences, one per walk and camera.
        frames: total number of frames.
        seconds: elapsed time.
    """

    people: int
    sequences: int
    frames: int
    seconds: float


@dataclass(frozen=True)
class _Walk:
    """One walk of one person.

    Attributes:
        person: index of the person.
        condition: condition of the walk.
        repeat: index of the walk among those of the person in the condition.
        cameras: key of the sequence and angle in degrees of each camera.
    """

    person: int
    condition: Condition
    repeat: int
    cameras: tuple[tuple[Key, float], ...]


class _Recording(NamedTuple):
    """Options of recorded walks, see `write_walkers`."""

    frames: int
    noise_px: float
    lost: float
    seed: int


def write_walkers(
    out: PathLike,
    dataset: Dataset,
    *,
    people: int,
    views: int,
    conditions: Sequence[str],
    repeats: int,
    frames: int,
    noise_px: float,
    lost: float,
    seed: int,
    advance: Advance | None = None,
) -> SynthReport:
    """Write a dataset of synthetic walkers: `poses/`, `silhouettes/` and `partition.json`.

    The files depend only on the arguments. Identities come from the official partition of `dataset`. If the dataset
    has unnamed probes, each test person has one more walk as such a probe; its video name is the identity.

    Args:
        out: output folder.
        dataset: dataset with the folder structure, skeleton, views and identities to use, for example
            `skelgait.find_dataset("CASIA-B")`.
        people: number of people; half of them (rounded down) are for training.
        views: number of cameras per walk, limited to the views of the dataset.
        conditions: conditions among "normal", "bag" and "coat"; those that the dataset does not have are ignored.
        repeats: number of walks per person and condition, limited to those of the dataset.
        frames: number of frames per walk, at 30 frames per second; varies by up to 10 % between walks.
        noise_px: standard deviation of the joint position error, px.
        lost: fraction of missing joints, in [0, 1].
        seed: random seed.
        advance: called with the number of sequences written since the last call.

    Returns:
        Summary of the written dataset.

    Raises:
        SettingsError: if a condition is unknown, the dataset has none of the conditions, not enough identities, or
            no synthetic layout.
        DataError: if a file cannot be written.
    """
    start, out, advance = time.perf_counter(), Path(out), advance or no_progress
    layout = dataset.synthetic_layout
    if layout is None:
        hint = "use another dataset"
        raise SettingsError("--dataset", f"{dataset.name}, without a synthetic layout", "a dataset with one", hint)
    partition = _partition(dataset, layout, people)
    identities = sorted(partition.train) + sorted(partition.test)
    recording = _Recording(frames, noise_px, lost, seed)
    n_sequences = n_frames = 0
    walks = _walks(layout, identities, partition, views, _available(conditions, dataset.name, layout), repeats)
    with lock_folder(out):
        for plan in walks:
            n_frames += _write_walk(out, layout, plan, recording)
            n_sequences += len(plan.cameras)
            advance(len(plan.cameras))
        # Unnamed probes are not people, but belong to the test set.
        partition = replace(partition, test=partition.test | layout.unnamed.keys())
        _write_partition(out / "partition.json", partition)
    return SynthReport(people, n_sequences, n_frames, time.perf_counter() - start)


def _available(conditions: Sequence[str], dataset: str, layout: SyntheticLayout) -> list[Condition]:
    known: tuple[Condition, ...] = get_args(Condition)
    unknown = [name for name in conditions if name not in known]
    if unknown:
        raise SettingsError("synth.conditions", ", ".join(unknown), f"some of {', '.join(known)}", "remove the others")
    available = [name for name in known if name in conditions and name in layout.conditions]
    if not available:
        expected = f"some of {', '.join(layout.conditions)} for {dataset}"
        raise SettingsError("synth.conditions", ", ".join(conditions), expected, "add one of these")
    return available


def _partition(dataset: Dataset, layout: SyntheticLayout, people: int) -> Partition:
    """Return the part of the official partition with the first `people` identities."""
    official = dataset.partition()
    named = sorted(official.test - layout.unnamed.keys())
    limit = 2 * min(len(official.train), len(named))
    if not 2 <= people <= limit:
        hint = f"for example --people {min(16, limit)}"
        raise SettingsError("--people", str(people), f"2 to {limit} for {dataset.name}", hint)
    train, test = sorted(official.train)[: people // 2], named[: people - people // 2]
    return Partition(frozenset(train), frozenset(test), frozenset(p for p in official.probes if p[0] in test))


def _walks(
    layout: SyntheticLayout,
    identities: Sequence[str],
    partition: Partition,
    views: int,
    conditions: Sequence[Condition],
    repeats: int,
) -> Iterator[_Walk]:
    """Yield all walks with the keys of their sequences."""
    cameras_used = np.unique(np.linspace(0, len(layout.views) - 1, min(views, len(layout.views))).round().astype(int))
    probes = {identity: Key(identity, condition, view) for identity, condition, view in partition.probes}
    for person, identity in enumerate(identities):
        for condition in conditions:
            for repeat, label in enumerate(layout.conditions[condition][:repeats]):
                cameras = [(Key(identity, label, layout.views[i]), layout.angles_deg[i]) for i in cameras_used]
                is_first, probe = condition == conditions[0] and repeat == 0, probes.get(identity)
                if is_first and probe and probe not in dict(cameras):
                    # The sequence of a probe in the partition must exist.
                    cameras[0] = (probe, cameras[0][1])
                elif not is_first:
                    cameras = [camera for camera in cameras if camera[0] != probe]
                yield _Walk(person, condition, repeat, tuple(cameras))
        if identity in partition.test:
            for unnamed, label in layout.unnamed.items():
                angle_deg = layout.angles_deg[cameras_used[person % len(cameras_used)]]
                camera = Key(unnamed, label, identity), angle_deg
                yield _Walk(person, conditions[0], len(layout.conditions[conditions[0]]), (camera,))


def _write_walk(out: Path, layout: SyntheticLayout, plan: _Walk, recording: _Recording) -> int:
    """Write the sequences of all cameras of a walk; return the number of frames."""
    person = sample_person(rng_for(recording.seed, _PERSON_DRAWS, plan.person))
    position = plan.person, get_args(Condition).index(plan.condition), plan.repeat
    rng = rng_for(recording.seed, _WALK_DRAWS, *position)
    n_frames = max(1, round(recording.frames * rng.uniform(0.9, 1.1)))
    joints, toes = walk(vary_habits(person, rng), plan.condition, n_frames, rng)
    noise_px = recording.noise_px * (_COAT_NOISE if plan.condition == "coat" else 1)
    for number, (key, angle_deg) in enumerate(plan.cameras):
        camera = Camera(angle_deg)
        xy, depth = camera.project(np.concatenate([joints, toes], axis=1))
        rng = rng_for(recording.seed, _CAMERA_DRAWS, *position, number)
        keypoints = simulate_detection(xy[:, :17], depth[:, :17], rng, noise_px, recording.lost)
        masks = silhouettes(xy, camera.focal_px / camera.distance, person, plan.condition)
        PickleTreeWriter(out / "poses").write(key, _pose_array(keypoints, layout), _name(layout.pose_file, key))
        PickleTreeWriter(out / "silhouettes").write(key, masks, _name(layout.silhouette_file, key))
    return n_frames * len(plan.cameras)


def _name(template: str, key: Key) -> str:
    return template.format(view=key.view)


def _pose_array(keypoints: NDArray[np.float32], layout: SyntheticLayout) -> NDArray[np.float32]:
    """Convert COCO-17 keypoints to the skeleton and array shape of a dataset."""
    if layout.skeleton_joints == len(OPENPOSE_18.joints):
        shoulders = [COCO_17.index("left shoulder"), COCO_17.index("right shoulder")]
        has_both = keypoints[:, shoulders, 2].min(axis=1) > 0
        neck = keypoints[:, shoulders].mean(axis=1) * has_both[:, None]
        with_neck = np.concatenate([keypoints, neck[:, None]], axis=1)
        names = (*COCO_17.joints, "neck")
        keypoints = with_neck[:, [names.index(name) for name in OPENPOSE_18.joints]]
    if layout.leading_values:
        rows = keypoints.reshape(len(keypoints), -1)
        keypoints = np.concatenate([np.ones((len(rows), 2), np.float32), rows], axis=1)
    return keypoints.astype(np.float32)


def _write_partition(path: Path, partition: Partition) -> None:
    content: dict[str, list[str]] = {"TRAIN_SET": sorted(partition.train), "TEST_SET": sorted(partition.test)}
    if partition.probes:
        content["PROBE_SET"] = sorted("-".join(probe) for probe in partition.probes)
    write_text(path, json.dumps(content, indent=1) + "\n")
