"""Gait model: joint angles over the gait cycle, and 3D joint positions.

Coordinates are in meters: x to the left of the walker, y up from the floor, z forward. The walker stays at x = z = 0,
as on a treadmill.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17
from skelgait.synth.anthropometry import Person

Condition = Literal["normal", "bag", "coat"]
Array = NDArray[np.float64]

# Flexion in degrees at 0, 10, ..., 90 % of the gait cycle, from heel strike. Rounded values of the mean curves for
# natural cadence in Winter, "Biomechanics and Motor Control of Human Gait", 1991.
_HIP = (28, 25, 18, 10, 2, -6, -5, 9, 23, 29)
_KNEE = (5, 15, 15, 10, 6, 11, 36, 60, 52, 18)
_HARMONICS = 4

TOES = ("left toes", "right toes")


def walk(
    person: Person, condition: Condition, n_frames: int, rng: np.random.Generator, rate_hz: float = 30.0
) -> tuple[Array, Array]:
    """Return the 3D joints of a walking person.

    Args:
        person: body measures and habits.
        condition: see `joints_at`.
        n_frames: number of frames T.
        rng: random generator of the initial phase.
        rate_hz: frames per second.

    Returns:
        (T, 17, 3) COCO-17 joints and (T, 2, 3) left and right toes, m.
    """
    cycle: Array = rng.random() + np.arange(n_frames, dtype=np.float64) * (person.cadence_hz / rate_hz)
    return joints_at(person, condition, cycle)


def joints_at(person: Person, condition: Condition, cycle: Array) -> tuple[Array, Array]:
    """Return the 3D joints of a person at T times of the gait cycle.

    Args:
        person: body measures and habits.
        condition: "normal"; "bag": the right arm does not swing, and the trunk leans; "coat": less arm swing.
        cycle: (T,) times in gait cycles; the left heel strikes at whole numbers.

    Returns:
        (T, 17, 3) COCO-17 joints and (T, 2, 3) left and right toes, m.
    """
    joints: dict[str, Array] = {}
    pelvis, left = _pelvis(person, cycle)
    for side, sign in (("left", 1), ("right", -1)):
        joints[f"{side} hip"] = sign * left * person.hip_width / 2
        phase = cycle if side == "left" else cycle + 0.5
        _add_leg(joints, person, side, sign, phase)
    lowest = np.minimum(joints["left ankle"][:, 1], joints["right ankle"][:, 1])
    pelvis[:, 1] = person.ankle_height - lowest
    _add_trunk(joints, person, cycle, condition)
    for side, sign in (("left", 1), ("right", -1)):
        is_still = condition == "bag" and side == "right"
        _add_arm(joints, person, side, sign, cycle if side == "left" else cycle + 0.5, condition, is_still)
    body = np.stack([joints[name] for name in COCO_17.joints], axis=1) + pelvis[:, None]
    toes = np.stack([joints[name] for name in TOES], axis=1) + pelvis[:, None]
    return body, toes


def _curve(samples: tuple[int, ...], phase: Array) -> Array:
    """Return a smooth periodic curve, in radians, that fits evenly spaced samples in degrees."""
    spectrum = np.fft.rfft(np.deg2rad(samples))[: _HARMONICS + 1] / len(samples)
    spectrum[1:] *= 2
    order = np.arange(len(spectrum))
    return np.asarray((spectrum * np.exp(2j * np.pi * order * phase[:, None])).real.sum(axis=1))


def _pelvis(person: Person, cycle: Array) -> tuple[Array, Array]:
    """Return the position of the pelvis, without height, and its unit vector to the left."""
    angle = 2 * np.pi * cycle
    # The pelvis turns with the forward leg, the shoulders against it.
    turn = -np.deg2rad(person.pelvis_turn_deg) * np.cos(angle)
    tilt = np.deg2rad(person.pelvis_list_deg) * np.sin(angle)
    left = np.stack([np.cos(turn) * np.cos(tilt), np.sin(tilt), -np.sin(turn) * np.cos(tilt)], axis=1)
    pelvis = np.zeros((len(cycle), 3))
    pelvis[:, 0] = person.sway * np.sin(angle)
    return pelvis, left


def _add_leg(joints: dict[str, Array], person: Person, side: str, sign: int, phase: Array) -> None:
    """Add knee, ankle and toes, relative to the pelvis."""
    swing = 1 + sign * person.asymmetry
    hip = _curve(_HIP, phase) * person.hip_swing * swing
    knee = np.maximum(_curve(_KNEE, phase) * person.knee_swing, 0.02)
    # Legs lean inward, because the feet are closer together than the hips.
    inward = sign * (person.step_width - person.hip_width) / 2 / (person.thigh + person.shank)
    joints[f"{side} knee"] = joints[f"{side} hip"] + person.thigh * _down(hip, inward)
    joints[f"{side} ankle"] = joints[f"{side} knee"] + person.shank * _down(hip - knee, inward)
    # The foot is level in stance, and points down while the knee is bent.
    pitch = np.clip(knee - 0.5, 0, None) * 0.8
    forward = np.stack([np.full_like(pitch, 0.15 * sign), -np.sin(pitch), np.cos(pitch)], axis=1)
    toes = joints[f"{side} ankle"] + 0.75 * person.foot * forward
    toes[:, 1] -= 0.6 * person.ankle_height
    joints[f"{side} toes"] = toes


def _down(angle: Array, sideways: float) -> Array:
    """Return unit vectors that point down, rotated forward by `angle` and slightly sideways."""
    vectors = np.stack([np.full_like(angle, sideways), -np.cos(angle), np.sin(angle)], axis=1)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _add_trunk(joints: dict[str, Array], person: Person, cycle: Array, condition: Condition) -> None:
    """Add shoulders and head, relative to the pelvis."""
    angle = 2 * np.pi * cycle
    lean = np.deg2rad(person.trunk_lean_deg + (4 if condition == "bag" else 0)) + 0.01 * np.cos(2 * angle)
    up = np.stack([-0.3 * person.sway * np.sin(angle) / person.trunk, np.cos(lean), np.sin(lean)], axis=1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    shoulders = person.trunk * up
    turn = np.deg2rad(person.shoulder_turn_deg) * np.cos(angle)
    left = np.stack([np.cos(turn), np.zeros_like(turn), -np.sin(turn)], axis=1)
    for side, sign in (("left", 1), ("right", -1)):
        joints[f"{side} shoulder"] = shoulders + sign * left * person.shoulder_width / 2
    pitch = np.deg2rad(person.head_pitch_deg)
    head = shoulders + person.neck * up
    forward = np.array([0, -np.sin(pitch), np.cos(pitch)])
    upward = np.array([0, np.cos(pitch), np.sin(pitch)])
    joints["nose"] = head + 1.0 * person.head * forward - 0.05 * person.head * upward
    for side, sign in (("left", 1), ("right", -1)):
        lateral = np.array([sign * person.head, 0, 0])
        joints[f"{side} eye"] = head + 0.27 * lateral + 0.8 * person.head * forward + 0.25 * person.head * upward
        joints[f"{side} ear"] = head + 0.62 * lateral + 0.05 * person.head * forward + 0.05 * person.head * upward


def _add_arm(
    joints: dict[str, Array], person: Person, side: str, sign: int, phase: Array, condition: Condition, is_still: bool
) -> None:
    """Add elbow and wrist; the arm swings against the leg of the same side."""
    factor = 0.1 if is_still else 0.8 if condition == "coat" else 1.0
    swing = np.deg2rad(person.arm_swing_deg) * factor * (1 + sign * person.asymmetry) * -np.cos(2 * np.pi * phase)
    bent = np.deg2rad(70.0 if is_still else person.elbow_deg) + 0.35 * np.maximum(swing, 0)
    outward = sign * np.tan(np.deg2rad(person.arm_abduction_deg))
    joints[f"{side} elbow"] = joints[f"{side} shoulder"] + person.upper_arm * _down(swing - 0.06, outward)
    joints[f"{side} wrist"] = joints[f"{side} elbow"] + person.forearm * _down(swing - 0.06 + bent, 0.3 * outward)
