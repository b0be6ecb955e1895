"""Body measures and gait habits of synthetic people.

Mean segment lengths are fractions of stature after Drillis and Contini ("Body segment parameters", 1966; also in
Winter, "Biomechanics and Motor Control of Human Movement", fig. 4.1). Exceptions are our own estimates: shoulder and
hip width, measured between the joints of pose estimators (smaller than 0.259 and 0.191 in that table), neck, head, and
all deviations between people.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

# Mean as a fraction of stature; standard deviation between people as a fraction of the mean.
_LENGTHS = {
    "thigh": (0.245, 0.04),
    "shank": (0.246, 0.04),
    "foot": (0.152, 0.05),
    "ankle_height": (0.039, 0.05),
    "upper_arm": (0.186, 0.05),
    "forearm": (0.146, 0.05),
    "trunk": (0.288, 0.04),
    "neck": (0.100, 0.06),
    "head": (0.075, 0.05),
    "shoulder_width": (0.220, 0.08),
    "hip_width": (0.115, 0.08),
}
# Mean; standard deviation between people.
_HABITS = {
    "cadence_hz": (0.93, 0.07),
    "hip_swing": (1.0, 0.13),
    "knee_swing": (1.0, 0.10),
    "arm_swing_deg": (24.0, 9.0),
    "elbow_deg": (24.0, 10.0),
    "trunk_lean_deg": (3.0, 3.5),
    "head_pitch_deg": (6.0, 6.0),
    "pelvis_turn_deg": (4.0, 1.5),
    "pelvis_list_deg": (4.0, 1.5),
    "shoulder_turn_deg": (5.0, 2.0),
    "sway": (0.020, 0.007),
    "arm_abduction_deg": (7.0, 3.5),
    "step_width": (0.06, 0.02),
    "asymmetry": (0.0, 0.06),
    "girth": (1.0, 0.14),
}


@dataclass(frozen=True)
class Person:
    """Synthetic person.

    Attributes:
        stature: body height, m.
        thigh, shank, foot, ankle_height, upper_arm, forearm, trunk, neck, head, shoulder_width, hip_width: lengths, m;
            `trunk` is from hips to shoulders, `neck` from shoulders to head center, `head` half the head height.
        cadence_hz: strides (two steps) per second.
        hip_swing, knee_swing: factors of the mean joint-angle curves.
        arm_swing_deg: amplitude of the arm swing.
        elbow_deg: mean elbow flexion.
        trunk_lean_deg, head_pitch_deg: forward inclination.
        pelvis_turn_deg, pelvis_list_deg, shoulder_turn_deg: amplitudes of pelvis rotation, pelvis obliquity and
            shoulder rotation.
        sway: amplitude of the lateral body motion, m.
        arm_abduction_deg: angle between arms and body.
        step_width: lateral distance of the feet, m.
        asymmetry: relative difference of the swing of the left and the right side.
        girth: body thickness relative to the average.
    """

    stature: float
    thigh: float
    shank: float
    foot: float
    ankle_height: float
    upper_arm: float
    forearm: float
    trunk: float
    neck: float
    head: float
    shoulder_width: float
    hip_width: float
    cadence_hz: float
    hip_swing: float
    knee_swing: float
    arm_swing_deg: float
    elbow_deg: float
    trunk_lean_deg: float
    head_pitch_deg: float
    pelvis_turn_deg: float
    pelvis_list_deg: float
    shoulder_turn_deg: float
    sway: float
    arm_abduction_deg: float
    step_width: float
    asymmetry: float
    girth: float


def sample_person(rng: np.random.Generator) -> Person:
    """Draw a person; lengths and habits are normally distributed, clipped at two standard deviations."""
    stature = 1.70 + 0.09 * _clipped_normal(rng)
    lengths = {name: stature * mean * (1 + spread * _clipped_normal(rng)) for name, (mean, spread) in _LENGTHS.items()}
    habits = {name: mean + deviation * _clipped_normal(rng) for name, (mean, deviation) in _HABITS.items()}
    return Person(stature=stature, **lengths, **habits)


def vary_habits(person: Person, rng: np.random.Generator, spread: float = 0.03) -> Person:
    """Return the same body with habits that differ by a relative standard deviation, as on another walk."""
    habits = {name: getattr(person, name) * (1 + spread * _clipped_normal(rng)) for name in _HABITS if name != "girth"}
    return Person(**{field.name: habits.get(field.name, getattr(person, field.name)) for field in fields(Person)})


def _clipped_normal(rng: np.random.Generator) -> float:
    return float(np.clip(rng.standard_normal(), -2, 2))
