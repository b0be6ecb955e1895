"""Synthetic walkers, written in the layout of a dataset."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Dataset, Layout, Partition
from skelgait.errors import SettingsError
from skelgait.runtime.rng import rng_for
from skelgait.skeletons import COCO_17, COCO_18
from skelgait.storage import Key, PickleTreeWriter
from skelgait.storage.atomic import write_text
from skelgait.synth.anthropometry import Person, sample_person, vary
from skelgait.synth.body import silhouettes
from skelgait.synth.camera import Camera, detect
from skelgait.synth.gait import Condition, walk

_OF_PEOPLE, _OF_WALKS, _OF_CAMERAS = range(3)

# Joints under a coat are found less exactly, by this factor.
_COAT_NOISE = 1.3


@dataclass(frozen=True)
class SynthReport:
    """What has been written.

    Attributes:
        people: people, half of them to train on and half to test.
        sequences: walks seen by a camera.
        frames: frames of all sequences.
        seconds: time taken.
    """

    people: int
    sequences: int
    frames: int
    seconds: float


@dataclass(frozen=True)
class _Walk:
    """One walk of one person, and the cameras that see it."""

    person: int
    condition: Condition
    repeat: int
    cameras: tuple[tuple[Key, float], ...]


def write_walkers(
    out: Path,
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
    advance: Callable[[int], None] = lambda _: None,
) -> SynthReport:
    """Write `poses/`, `silhouettes/` and `partition.json` into `out`, in the layout of `dataset`.

    Everything is a function of the arguments: a person of `seed` and their number, a walk of the person, the condition
    and the repeat. Identities are those of the dataset's own partition. Where the layout has unnamed probes, each
    person to test walks once more for one, and the name of the video is their identity.

    Args:
        out: folder of the dataset.
        dataset: whose layout is written.
        people: people who walk; half of them (rounded down) to train on.
        views: cameras round each walk.
        conditions: `normal`, `bag`, `coat`; those that the layout does not have are left out.
        repeats: walks of a person in a condition, as far as the layout spells so many.
        frames: frames of a walk, at 30 a second; each walk differs by up to a tenth.
        noise_px: standard deviation of the detector's error, pixels.
        lost: share of joints that the detector loses.
        seed: seed of all draws.
        advance: told how many sequences have been written since the last call.

    Raises:
        SettingsError: an unknown condition, none that the layout has, or more people than the dataset has.
        DataError: a file cannot be written.
    """
    start = time.perf_counter()
    partition = _partition(dataset, people)
    identities = sorted(partition.train) + sorted(partition.test)
    n_sequences = n_frames = 0
    for one in _walks(dataset.layout, identities, partition, views, _known(conditions, dataset), repeats):
        person = sample_person(rng_for(seed, _OF_PEOPLE, one.person))
        n_frames += _write_walk(out, dataset.layout, one, person, frames, noise_px, lost, seed)
        n_sequences += len(one.cameras)
        advance(len(one.cameras))
    # Those without a name are no people, but are tested.
    partition = replace(partition, test=partition.test | dataset.layout.unnamed.keys())
    _write_partition(out / "partition.json", partition)
    return SynthReport(people, n_sequences, n_frames, time.perf_counter() - start)


def _known(conditions: Sequence[str], dataset: Dataset) -> list[Condition]:
    known: tuple[Condition, ...] = get_args(Condition)
    unknown = [name for name in conditions if name not in known]
    if unknown:
        raise SettingsError("synth.conditions", ", ".join(unknown), f"some of {', '.join(known)}", "choose of these")
    there = [name for name in known if name in conditions and name in dataset.layout.conditions]
    if not there:
        has = ", ".join(dataset.layout.conditions)
        raise SettingsError("synth.conditions", ", ".join(conditions), f"some of {has} for {dataset.name}", "add one")
    return there


def _partition(dataset: Dataset, people: int) -> Partition:
    whole = dataset.partition()
    named = sorted(whole.test - dataset.layout.unnamed.keys())
    most = min(2 * len(whole.train), 2 * len(named))
    if not 2 <= people <= most:
        raise SettingsError("--people", str(people), f"2 to {most} in the layout of {dataset.name}", "choose a number")
    train, test = sorted(whole.train)[: people // 2], named[: people - people // 2]
    return Partition(frozenset(train), frozenset(test), frozenset(p for p in whole.probes if p[0] in test))


def _walks(
    layout: Layout,
    identities: Sequence[str],
    partition: Partition,
    views: int,
    conditions: Sequence[Condition],
    repeats: int,
) -> Iterator[_Walk]:
    chosen = np.unique(np.linspace(0, len(layout.views) - 1, min(views, len(layout.views))).round().astype(int))
    probes = {identity: Key(identity, condition, view) for identity, condition, view in partition.probes}
    for number, identity in enumerate(identities):
        for condition in conditions:
            for repeat, spelling in enumerate(layout.conditions[condition][:repeats]):
                cameras = [(Key(identity, spelling, layout.views[i]), layout.angles_deg[i]) for i in chosen]
                first, probe = condition == conditions[0] and repeat == 0, probes.get(identity)
                if first and probe and probe not in dict(cameras):
                    # Where the partition names a probe, that sequence has to be there.
                    cameras[0] = (probe, cameras[0][1])
                elif not first:
                    cameras = [camera for camera in cameras if camera[0] != probe]
                yield _Walk(number, condition, repeat, tuple(cameras))
        if identity in partition.test:
            for unnamed, spelling in layout.unnamed.items():
                camera = Key(unnamed, spelling, identity), layout.angles_deg[chosen[number % len(chosen)]]
                yield _Walk(number, conditions[0], len(layout.conditions[conditions[0]]), (camera,))


def _write_walk(
    out: Path, layout: Layout, one: _Walk, person: Person, frames: int, noise_px: float, lost: float, seed: int
) -> int:
    """Write what all cameras see of a walk; returns the number of frames."""
    place = one.person, get_args(Condition).index(one.condition), one.repeat
    rng = rng_for(seed, _OF_WALKS, *place)
    n_frames = max(1, round(frames * rng.uniform(0.9, 1.1)))
    walking = vary(person, rng)
    joints, toes = walk(walking, one.condition, n_frames, rng)
    for number, (key, angle_deg) in enumerate(one.cameras):
        camera = Camera(angle_deg)
        xy, depth = camera.project(np.concatenate([joints, toes], axis=1))
        own = rng_for(seed, _OF_CAMERAS, *place, number)
        own_noise_px = noise_px * (_COAT_NOISE if one.condition == "coat" else 1)
        keypoints = detect(xy[:, :17], depth[:, :17], own, own_noise_px, lost)
        masks = silhouettes(xy, camera.focal_px / camera.distance, person, one.condition)
        PickleTreeWriter(out / "poses").write(key, _as_spelled(keypoints, layout), _name(layout.pose_file, key))
        PickleTreeWriter(out / "silhouettes").write(key, masks, _name(layout.silhouette_file, key))
    return n_frames * len(one.cameras)


def _name(template: str, key: Key) -> str:
    return template.format(view=key.view)


def _as_spelled(keypoints: NDArray[np.float32], layout: Layout) -> NDArray[np.float32]:
    """COCO-17 keypoints in the skeleton and the rows of a layout."""
    if layout.skeleton_joints == len(COCO_18.joints):
        shoulders = [COCO_17.index("left shoulder"), COCO_17.index("right shoulder")]
        both = keypoints[:, shoulders, 2].min(axis=1) > 0
        neck = keypoints[:, shoulders].mean(axis=1) * both[:, None]
        with_neck = np.concatenate([keypoints, neck[:, None]], axis=1)
        names = (*COCO_17.joints, "neck")
        keypoints = with_neck[:, [names.index(name) for name in COCO_18.joints]]
    if layout.leading_values:
        rows = keypoints.reshape(len(keypoints), -1)
        keypoints = np.concatenate([np.ones((len(rows), 2), np.float32), rows], axis=1)
    return keypoints.astype(np.float32)


def _write_partition(path: Path, partition: Partition) -> None:
    content: dict[str, list[str]] = {"TRAIN_SET": sorted(partition.train), "TEST_SET": sorted(partition.test)}
    if partition.probes:
        content["PROBE_SET"] = sorted("-".join(probe) for probe in partition.probes)
    write_text(path, json.dumps(content, indent=1) + "\n")
