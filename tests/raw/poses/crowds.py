"""Scenes with several synthetic walkers, and the true person of each detection."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.raw.poses.posture import is_present
from skelgait.raw.poses.sequence import RawSequence
from skelgait.synth.anthropometry import sample_person
from skelgait.synth.camera import Camera, simulate_detection
from skelgait.synth.gait import walk


class Path(NamedTuple):
    """Path of a walker in the image.

    Attributes:
        x: horizontal position in px, in the first frame.
        speed: motion in px per frame; 0: stands.
        scale: size relative to a walker 5 m away.
    """

    x: float
    speed: float
    scale: float = 1.0


class Crowd(NamedTuple):
    """People in the frames of a scene.

    Attributes:
        people: for each frame (M, 17, 3) joints.
        truth: for each frame the index of the walker of each person.
    """

    people: list[NDArray[np.float64]]
    truth: list[list[int]]

    def sequence(self, ids: Sequence[Sequence[int]] | None = None) -> RawSequence:
        """Return the scene as a reader hands it on."""
        return RawSequence(self.people, tracks=ids)


def walker(path: Path, frames: int, seed: int) -> NDArray[np.float64]:
    """Return the joints (T, 17, 3) of a synthetic walker who is seen from the side."""
    rng = np.random.default_rng(seed)
    body, _ = walk(sample_person(rng), "normal", frames, rng)
    if path.speed == 0:
        body = np.repeat(body[:1], frames, axis=0)
    xy, depth = Camera(90.0 if path.speed >= 0 else 270.0).project(body)
    joints = simulate_detection(xy, depth, rng, 1.5, 0.01).astype(np.float64)
    present = is_present(joints)
    joints[..., :2] = (joints[..., :2] - [960, 1000]) * path.scale + [path.x, 1000]
    joints[..., 0] += path.speed * np.arange(frames)[:, None]
    joints[~present] = 0
    return joints


def crowd(
    paths: Sequence[Path],
    frames: int = 120,
    seed: int = 0,
    covered: float = 0.45,
    hidden: Mapping[int, Container[int]] | None = None,
) -> Crowd:
    """Return a scene with a walker on each path.

    A person of whom larger ones cover more than `covered` is not detected. The order of the people changes from frame
    to frame.

    Args:
        paths: path of each walker.
        frames: number of frames.
        seed: random seed.
        covered: fraction of the box.
        hidden: frames in which a walker is not detected.
    """
    rng = np.random.default_rng(seed)
    walkers = [walker(path, frames, seed + n) for n, path in enumerate(paths)]
    order = sorted(range(len(paths)), key=lambda n: -paths[n].scale)
    people, truth = [], []
    for t in range(frames):
        visible = [
            n for r, n in enumerate(order)
            if t not in (hidden or {}).get(n, ())
            and not any(_cover(walkers[n][t], walkers[front][t]) > covered for front in order[:r])
        ]  # fmt: skip
        rng.shuffle(visible)
        people.append(np.array([walkers[n][t] for n in visible]).reshape(-1, 17, 3))
        truth.append(visible)
    return Crowd(people, truth)


def _cover(back: NDArray[np.float64], front: NDArray[np.float64]) -> float:
    """Return the fraction of the box of a body that is behind the box of another one."""
    boxes = [np.stack([body[is_present(body), :2].min(0), body[is_present(body), :2].max(0)]) for body in (back, front)]
    overlap = np.minimum(boxes[0][1], boxes[1][1]) - np.maximum(boxes[0][0], boxes[1][0])
    return float(np.prod(np.maximum(overlap, 0)) / np.prod(boxes[0][1] - boxes[0][0]))
