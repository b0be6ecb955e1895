"""Synthetic walkers that differ in body, gait, carrying, camera and pose estimator, one sequence at a time.

Every person turns the joints of the mean gait by angles of their own, which are periodic in the gait cycle. All ranges
are our own estimates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17
from skelgait.synth.anthropometry import Person, sample_person, vary_habits
from skelgait.synth.gait import joints_at

Array = NDArray[np.float64]

_INDEX = {name: COCO_17.index(name) for name in COCO_17.joints}
_FACE = [_INDEX[name] for name in ("nose", "left eye", "right eye", "left ear", "right ear")]
_UPPER_BODY = list(range(_INDEX["left hip"]))
_SAGITTAL, _FRONTAL = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


class _Hinge(NamedTuple):
    """Joint that is turned, with everything that hangs on it.

    Attributes:
        pivot: joints whose mean is the center of the rotation.
        moved: joints that turn.
        axis: axis of the rotation: left for the sagittal plane, forward for the frontal plane.
        degrees: standard deviations between people: constant angle, amplitude at one and at two times the stride rate.
    """

    pivot: tuple[int, ...]
    moved: list[int]
    axis: tuple[float, float, float]
    degrees: tuple[float, float, float]


def _limb(upper: str, lower: str, end: str, hinges: tuple[tuple[float, float, float], ...]) -> list[_Hinge]:
    """Return the hinges of both arms or legs: upper sagittal, upper frontal, lower sagittal."""
    result = []
    for side in ("left", "right"):
        top, middle, last = (_INDEX[f"{side} {name}"] for name in (upper, lower, end))
        result += [
            _Hinge((top,), [middle, last], _SAGITTAL, hinges[0]),
            _Hinge((top,), [middle, last], _FRONTAL, hinges[1]),
            _Hinge((middle,), [last], _SAGITTAL, hinges[2]),
        ]
    return result


_HIPS = (_INDEX["left hip"], _INDEX["right hip"])
_SHOULDERS = (_INDEX["left shoulder"], _INDEX["right shoulder"])
_HINGES = (
    _Hinge(_HIPS, _UPPER_BODY, _SAGITTAL, (3.0, 0.7, 0.7)),
    _Hinge(_HIPS, _UPPER_BODY, _FRONTAL, (1.5, 1.5, 0.3)),
    _Hinge(_SHOULDERS, _FACE, _SAGITTAL, (7.0, 1.0, 1.0)),
    _Hinge(_SHOULDERS, _FACE, _FRONTAL, (2.5, 0.7, 0.3)),
    *_limb("shoulder", "elbow", "wrist", ((6.0, 5.0, 1.5), (4.0, 1.5, 0.7), (8.0, 5.0, 2.0))),
    *_limb("hip", "knee", "ankle", ((2.5, 2.5, 1.5), (1.5, 1.0, 0.5), (2.5, 3.0, 2.0))),
)


@dataclass(frozen=True)
class Walker:
    """Person with a gait of their own.

    Attributes:
        person: body measures and habits.
        harmonics: (hinges, 3) complex Fourier coefficients of the additional angles, rad.
    """

    person: Person
    harmonics: NDArray[np.complex128]


def sample_walker(rng: np.random.Generator) -> Walker:
    """Draw a person and their gait."""
    return Walker(sample_person(rng), _draw_harmonics(rng))


def varied_poses(walker: Walker, n_frames: int, rng: np.random.Generator, rate_hz: float = 30.0) -> NDArray[np.float32]:
    """Return poses of one walk, with carrying, camera and pose estimator drawn anew.

    Args:
        walker: body and gait.
        n_frames: number of frames T.
        rng: random generator of everything that differs between the walks of a person.
        rate_hz: frames per second.

    Returns:
        (T, 17, 3) float32 COCO-17 joints: x px, y px, confidence in [0, 1]; a missing joint is (0, 0, 0).
    """
    joints = _walk(walker, n_frames, rng, rate_hz)
    scale_px, xy = _photograph(joints, rng)
    return _detect(xy, scale_px, rng)


def _draw_harmonics(rng: np.random.Generator) -> NDArray[np.complex128]:
    shape = len(_HINGES), 3
    deviations = np.deg2rad([hinge.degrees for hinge in _HINGES])
    phases = np.exp(2j * np.pi * rng.random(shape))
    phases[:, 0] = 1
    return np.asarray(deviations * np.clip(rng.standard_normal(shape), -2, 2) * phases)


def _walk(walker: Walker, n_frames: int, rng: np.random.Generator, rate_hz: float) -> Array:
    """Return the joints of one walk (T, 17, 3), m, centered on the floor."""
    person = vary_habits(walker.person, rng, 0.06)
    cycle: Array = rng.random() + np.arange(n_frames, dtype=np.float64) * (person.cadence_hz / rate_hz)
    joints, _ = joints_at(person, "normal", cycle)
    harmonics = walker.harmonics + 0.3 * _draw_harmonics(rng)
    waves = np.exp(2j * np.pi * np.outer([0, 1, 2], cycle))
    for hinge, angles in zip(_HINGES, (harmonics @ waves).real, strict=True):
        _turn(joints, hinge, angles)
    for side in ("left", "right"):
        if rng.random() < 0.25:
            _hold_arm(joints, person, side, cycle, rng)
    joints += rng.normal(0, 0.01, (1, 17, 3))  # clothing, and bias of the pose estimator
    joints[..., 2] += _travel(person, n_frames, rate_hz)[:, None]
    return joints


def _travel(person: Person, n_frames: int, rate_hz: float) -> Array:
    """Return the forward position in each frame, m; zero in the middle of the walk."""
    speed = 0.8 * person.stature * person.cadence_hz * person.hip_swing
    return np.asarray((np.arange(n_frames) - (n_frames - 1) / 2) * (speed / rate_hz))


def _turn(joints: Array, hinge: _Hinge, angles: Array) -> None:
    """Rotate the joints of a hinge in place, by an angle (T,) per frame."""
    pivot = joints[:, list(hinge.pivot)].mean(axis=1, keepdims=True)
    arm = joints[:, hinge.moved] - pivot
    axis = np.array(hinge.axis)
    cos, sin = np.cos(angles)[:, None, None], np.sin(angles)[:, None, None]
    along = (arm @ axis)[..., None] * axis
    joints[:, hinge.moved] = pivot + along + (arm - along) * cos + np.cross(axis, arm) * sin


def _hold_arm(joints: Array, person: Person, side: str, cycle: Array, rng: np.random.Generator) -> None:
    """Place an arm that hardly swings, as with a bag, a phone or a pocket, in place."""
    swing = np.deg2rad(rng.uniform(-15, 50)) + np.deg2rad(3) * np.cos(2 * np.pi * cycle)
    bend = np.deg2rad(rng.uniform(0, 120))
    outward = (1 if side == "left" else -1) * np.deg2rad(rng.uniform(0, 25))
    inward = -np.sign(outward) * np.deg2rad(rng.uniform(-10, 60))
    shoulder, elbow, wrist = (_INDEX[f"{side} {name}"] for name in ("shoulder", "elbow", "wrist"))
    joints[:, elbow] = joints[:, shoulder] + person.upper_arm * _direction(swing, outward)
    joints[:, wrist] = joints[:, elbow] + person.forearm * _direction(swing + bend, inward)


def _direction(forward: Array, sideways: float) -> Array:
    """Return unit vectors (T, 3) that point down, turned forward and then to the left."""
    down, side = np.cos(sideways), np.sin(sideways)
    return np.stack([np.full_like(forward, side), -down * np.cos(forward), down * np.sin(forward)], axis=1)


def _photograph(joints: Array, rng: np.random.Generator) -> tuple[float, Array]:
    """Return the scale in pixels per meter and the projection (T, 17, 2) by a camera at a random place."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.deg2rad(np.clip(rng.normal(5, 7), -5, 30))
    distance, focal_px, roll = rng.uniform(3.5, 12), 1400.0, np.deg2rad(rng.normal(0, 1.5))
    direction = np.array([np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)])
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    up = np.cross(direction, right)
    right, up = np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right
    points = joints - [0, 0.95, 0]
    depth = np.maximum(distance - points @ direction, 1.5)
    xy = np.stack([960 + focal_px * (points @ right) / depth, 540 - focal_px * (points @ up) / depth], axis=-1)
    return focal_px / distance, xy


def _detect(xy: Array, scale_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the keypoints that a pose estimator might find: noise that lasts, swapped legs, missing joints."""
    deviation = rng.uniform(0.003, 0.015) * scale_px
    noise = rng.standard_normal(xy.shape)
    memory = rng.uniform(0, 0.8)
    for frame in range(1, len(noise)):
        noise[frame] = memory * noise[frame - 1] + np.sqrt(1 - memory**2) * noise[frame]
    error = deviation * noise * rng.uniform(0.7, 1.3, (1, xy.shape[1], 1))
    xy = xy + error
    legs = [_INDEX[f"{side} {name}"] for name in ("knee", "ankle") for side in ("left", "right")]
    swapped = rng.random(len(xy)) < rng.choice([0, 0, 0.05])
    xy[np.ix_(swapped, legs)] = xy[np.ix_(swapped, [legs[i ^ 1] for i in range(len(legs))])]
    confidence = rng.normal(0.87, 0.06, xy.shape[:2]) - 0.05 * np.linalg.norm(error, axis=2) / deviation / 1.25 + 0.05
    keypoints = np.concatenate([xy, np.clip(confidence, 0.05, 1)[..., None]], axis=2)
    keypoints[rng.random(xy.shape[:2]) < rng.uniform(0, 0.03)] = 0
    return keypoints.astype(np.float32)
