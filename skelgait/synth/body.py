"""Silhouettes of synthetic walkers, aligned like those of gait datasets."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.skeletons import COCO_17
from skelgait.synth.anthropometry import Person
from skelgait.synth.gait import Condition

SIZE_PX = 64

# Drawing scale, pixels per meter.
_SCALE = 110.0
_CANVAS_PX = 288
_INDEX = {name: COCO_17.index(name) for name in COCO_17.joints}
_FIRST_TOE = len(COCO_17.joints)

# Joint indices and thickness (m, for girth 1) of each limb.
_LIMBS = (
    *(
        (_INDEX[f"{side} {a}"], _INDEX[f"{side} {b}"], thickness)
        for side in ("left", "right")
        for a, b, thickness in (
            ("shoulder", "elbow", 0.105),
            ("elbow", "wrist", 0.085),
            ("hip", "knee", 0.165),
            ("knee", "ankle", 0.115),
        )
    ),
    (_INDEX["left ankle"], _FIRST_TOE, 0.09),
    (_INDEX["right ankle"], _FIRST_TOE + 1, 0.09),
)
_TRUNK = [_INDEX[name] for name in ("left shoulder", "right shoulder", "right hip", "left hip")]


def silhouettes(
    xy: NDArray[np.float64], pixels_per_meter: float, person: Person, condition: Condition
) -> NDArray[np.uint8]:
    """Draw aligned silhouettes of a walker.

    Args:
        xy: (T, 19, 2) projected COCO-17 joints, left toes and right toes, px.
        pixels_per_meter: scale of `xy` at the distance of the walker.
        person: body measures of the walker.
        condition: "bag": a bag in the right hand; "coat": a wide coat to the knees; "normal": neither.

    Returns:
        (T, 64, 64) uint8, 0 or 255.
    """
    points = (xy - xy[:, _TRUNK].mean(axis=1, keepdims=True)) * (_SCALE / pixels_per_meter)
    points += [_CANVAS_PX / 2, _CANVAS_PX * 0.42]
    return np.stack([_align(_draw(frame, person, condition)) for frame in points])


def _draw(points: NDArray[np.float64], person: Person, condition: Condition) -> NDArray[np.uint8]:
    canvas = np.zeros((_CANVAS_PX, _CANVAS_PX), np.uint8)
    pixels = np.rint(points).astype(np.int32)
    width_scale = person.girth * _SCALE
    for a, b, thickness in _LIMBS:
        cv2.line(canvas, pixels[a].tolist(), pixels[b].tolist(), 255, max(1, round(thickness * width_scale)))
    _draw_trunk(canvas, pixels[_TRUNK], round(0.21 * width_scale * (1.25 if condition == "coat" else 1)))
    if condition == "coat":
        hips, knees = pixels[_TRUNK[2:]], pixels[[_INDEX["left knee"], _INDEX["right knee"]]]
        hem = (0.25 * hips[::-1] + 0.75 * knees).astype(np.int32)
        _draw_trunk(canvas, np.concatenate([hips, hem]), 16)
    if condition == "bag":
        x, y = pixels[_INDEX["right wrist"]].tolist()
        cv2.ellipse(canvas, (x, y + round(0.16 * _SCALE)), (20, 17), 0, 0, 360, 255, -1)
    face = points[[_INDEX["left ear"], _INDEX["right ear"], _INDEX["nose"]]].mean(axis=0)
    neck = points[_TRUNK[:2]].mean(axis=0)
    head = np.rint(0.9 * face + 0.1 * neck).astype(int)
    cv2.line(canvas, np.rint(neck).astype(int).tolist(), head.tolist(), 255, round(0.11 * width_scale))
    axes = round(1.15 * person.head * _SCALE), round(1.45 * person.head * _SCALE)
    cv2.ellipse(canvas, head.tolist(), axes, 0, 0, 360, 255, -1)
    return canvas


def _draw_trunk(canvas: NDArray[np.uint8], corners: NDArray[np.int32], thickness: int) -> None:
    """Draw a filled quadrilateral with thick edges, so that the trunk has depth in side views."""
    hull = cv2.convexHull(corners)
    cv2.fillConvexPoly(canvas, hull, 255)
    cv2.polylines(canvas, [hull], True, 255, max(1, round(0.75 * thickness)))


def _align(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop to the rows of the body, resize to 64 rows, and center the mass."""
    rows = np.flatnonzero(canvas.any(axis=1))
    body = canvas[rows[0] : rows[-1] + 1]
    width = max(1, round(body.shape[1] * SIZE_PX / len(body)))
    body = np.asarray(cv2.resize(body, (width, SIZE_PX), interpolation=cv2.INTER_AREA), np.uint8)
    mass = body.sum(axis=0, dtype=np.float64)
    center = round(float((mass * np.arange(width)).sum() / mass.sum()))
    body = np.pad(body, ((0, 0), (SIZE_PX, SIZE_PX)))[:, center + SIZE_PX // 2 : center + SIZE_PX // 2 + SIZE_PX]
    return np.where(body > 127, 255, 0).astype(np.uint8)
