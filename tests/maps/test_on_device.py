"""Maps drawn with torch, compared with the compiled loops; TEST_DEVICE sets the device (default: cpu)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.errors import ShapeError
from skelgait.maps import skeleton_maps
from skelgait.maps.on_device import draw_maps, skeleton_maps_on
from tests.maps.test_parity import MAPS, Case, agrees, cases, sample, sample_frames

DEVICE = torch.device(os.environ.get("TEST_DEVICE", "cpu"))


def test_zero_frames_give_empty_tensor() -> None:
    assert draw_maps(torch.zeros(0, 17, 3, device=DEVICE)).shape == (0, 2, 64, 64)


def test_frame_without_height_is_empty() -> None:
    keypoints_xyc = torch.full((2, 17, 3), 0.5, device=DEVICE)
    maps = draw_maps(keypoints_xyc)
    assert (maps.device.type, maps.dtype, int(maps.max())) == (DEVICE.type, torch.uint8, 0)


def test_arrays_and_lists_equal_tensors() -> None:
    with np.load(MAPS / "cases.npz") as stored:
        poses = stored["clean_front/poses"][:3].astype(np.float64)
    expected = draw_maps(torch.from_numpy(poses))
    assert torch.equal(draw_maps(poses), expected)
    assert torch.equal(draw_maps(poses.tolist()), expected)


def test_other_shape_is_an_error() -> None:
    with pytest.raises(ShapeError, match=r"keypoints_xyc: found shape \(2, 18, 3\), expected \(T, 17, 3\)"):
        draw_maps(torch.zeros(2, 18, 3, device=DEVICE))


@pytest.mark.parametrize("case", ["clean_front", "drop3"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"align": False},
        {"align": False, "size_px": 32},  # whole factors
        {"size_px": 96},
        {"canvas_px": 64, "sigma_px": 4.0},  # enlarged
        {"canvas_px": 200, "offset_px": 7},
        {"use_score": False, "fill": "mean"},
        {"fill": "visible"},
    ],
)
def test_pixels_equal_those_of_the_compiled_loops(case: str, options: dict[str, object]) -> None:
    with np.load(MAPS / "cases.npz") as stored:
        poses = stored[f"{case}/poses"]
    expected = skeleton_maps(poses, **options)
    drawn = skeleton_maps_on(poses, device=DEVICE, **options)
    assert agrees(drawn.maps, expected.maps)
    assert drawn[1:] == expected[1:]


@pytest.mark.parametrize("use_score", [True, False])
@pytest.mark.parametrize("lost", [range(17), [0], [12], [11, 12], [9, 15, 16]])
def test_joints_missing_in_every_frame_equal_the_compiled_loops(lost: Sequence[int], use_score: bool) -> None:
    with np.load(MAPS / "cases.npz") as stored:
        poses = stored["drop3/poses"]
    poses[:, lost] = 0
    expected = skeleton_maps(poses, fill="visible", use_score=use_score)
    drawn = skeleton_maps_on(poses, device=DEVICE, fill="visible", use_score=use_score)
    assert agrees(drawn.maps, expected.maps)
    assert drawn[1:] == expected[1:]


@pytest.mark.parametrize("case", list(sample()), ids=lambda case: case[0])
def test_sample_agrees(case: Case) -> None:
    _, poses, expected, options, is_wrong = case
    assert agrees(sample_frames(skeleton_maps_on(poses, device=DEVICE, **options).maps), expected) != is_wrong


@pytest.mark.slow
def test_every_parity_case_agrees_with_opengait(parity: Path) -> None:
    for name, poses, expected, options, is_wrong in cases(parity):
        assert agrees(skeleton_maps_on(poses, device=DEVICE, **options).maps, expected) != is_wrong, name
