"""Silhouettes: the body round the joints, as a camera sees it, aligned as gait datasets are."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17
from skelgait.synth.anthropometry import Person
from skelgait.synth.gait import Condition

SIZE_PX = 64

# Bodies are drawn with this many pixels a meter.
_SCALE = 110.0
_CANVAS_PX = 288
_AT = {name: COCO_17.index(name) for name in COCO_17.joints}
_FIRST_TOE = len(COCO_17.joints)

# Thickness of a limb in meters, for average girth.
_LIMBS = (
    *(
        (_AT[f"{side} {a}"], _AT[f"{side} {b}"], thickness)
        for side in ("left", "right")
        for a, b, thickness in (
            ("shoulder", "elbow", 0.105),
            ("elbow", "wrist", 0.085),
            ("hip", "knee", 0.165),
            ("knee", "ankle", 0.115),
        )
    ),
    (_AT["left ankle"], _FIRST_TOE, 0.09),
    (_AT["right ankle"], _FIRST_TOE + 1, 0.09),
)
_TRUNK = [_AT[name] for name in ("left shoulder", "right shoulder", "right hip", "left hip")]


def silhouettes(
    xy: NDArray[np.float64], pixels_per_meter: float, person: Person, condition: Condition
) -> NDArray[np.uint8]:
    """Aligned silhouettes, (T, 64, 64) uint8, 0 or 255.

    Args:
        xy: (T, 19, 2) projected joints, then left and right toes, pixels.
        pixels_per_meter: at the walker's distance.
        person: whose body it is.
        condition: a bag is carried on the right, a coat is wide and ends at the knees.
    """
    points = (xy - xy[:, _TRUNK].mean(axis=1, keepdims=True)) * (_SCALE / pixels_per_meter)
    points += [_CANVAS_PX / 2, _CANVAS_PX * 0.42]
    return np.stack([_align(_draw(frame, person, condition)) for frame in points])


def _draw(points: NDArray[np.float64], person: Person, condition: Condition) -> NDArray[np.uint8]:
    canvas = np.zeros((_CANVAS_PX, _CANVAS_PX), np.uint8)
    at = np.rint(points).astype(np.int32)
    wide = person.girth * _SCALE
    for a, b, thickness in _LIMBS:
        cv2.line(canvas, at[a].tolist(), at[b].tolist(), 255, max(1, round(thickness * wide)))
    _trunk(canvas, at[_TRUNK], round(0.21 * wide * (1.25 if condition == "coat" else 1)))
    if condition == "coat":
        knees = at[[_AT["left knee"], _AT["right knee"]]]
        _trunk(
            canvas, np.concatenate([at[_TRUNK[2:]], (0.25 * at[_TRUNK[2:]][::-1] + 0.75 * knees).astype(np.int32)]), 16
        )
    if condition == "bag":
        x, y = at[_AT["right wrist"]].tolist()
        cv2.ellipse(canvas, (x, y + round(0.16 * _SCALE)), (20, 17), 0, 0, 360, 255, -1)
    face = points[[_AT["left ear"], _AT["right ear"], _AT["nose"]]].mean(axis=0)
    neck = points[_TRUNK[:2]].mean(axis=0)
    head = np.rint(0.9 * face + 0.1 * neck).astype(int)
    cv2.line(canvas, np.rint(neck).astype(int).tolist(), head.tolist(), 255, round(0.11 * wide))
    axes = round(1.15 * person.head * _SCALE), round(1.45 * person.head * _SCALE)
    cv2.ellipse(canvas, head.tolist(), axes, 0, 0, 360, 255, -1)
    return canvas


def _trunk(canvas: NDArray[np.uint8], corners: NDArray[np.int32], thickness: int) -> None:
    """A filled quadrilateral with round, thick edges: a trunk is deep, too, when it is seen from the side."""
    hull = cv2.convexHull(corners)
    cv2.fillConvexPoly(canvas, hull, 255)
    cv2.polylines(canvas, [hull], True, 255, max(1, round(0.75 * thickness)))


def _align(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut to the body's rows, scale to 64 rows, center its mass."""
    rows = np.flatnonzero(canvas.any(axis=1))
    body = canvas[rows[0] : rows[-1] + 1]
    width = max(1, round(body.shape[1] * SIZE_PX / len(body)))
    body = np.asarray(cv2.resize(body, (width, SIZE_PX), interpolation=cv2.INTER_AREA), np.uint8)
    mass = body.sum(axis=0, dtype=np.float64)
    middle = round(float((mass * np.arange(width)).sum() / mass.sum()))
    body = np.pad(body, ((0, 0), (SIZE_PX, SIZE_PX)))[:, middle + SIZE_PX // 2 : middle + SIZE_PX // 2 + SIZE_PX]
    return np.where(body > 127, 255, 0).astype(np.uint8)
