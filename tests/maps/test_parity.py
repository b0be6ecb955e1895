"""Parity with the maps of OpenGait: a sample of each case in tests/data, all frames in ../shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelgait.maps import skeleton_maps
from tests.paths import DATA

MAPS = DATA / "maps"
OPTIONS = {
    "norm_args.heatmap_image_height": "canvas_px",
    "heatmap_generator_args.sigma": "sigma_px",
    "heatmap_generator_args.use_score": "use_score",
    "align_args.final_img_size": "size_px",
    "align_args.align": "align",
    "align_args.offset": "offset_px",
}
WRONG_UPSTREAM = {"offset2", "simple_pad_drop"}


def agrees(maps: np.ndarray, expected: np.ndarray) -> bool:
    difference = np.abs(maps.astype(int) - expected)
    return bool(difference.max() <= 1 and (difference == 0).mean() >= 0.9999)


Case = tuple[str, np.ndarray, np.ndarray, dict[str, Any], bool]


def sample() -> Iterator[Case]:
    """Yield name, poses, maps of the first and the middle frame, options, and whether the maps are wrong."""
    options = json.loads((MAPS / "options.json").read_text())
    with np.load(MAPS / "cases.npz") as stored:
        for name, case in options.items():
            yield name, stored[f"{name}/poses"], stored[f"{name}/maps"], case, name in WRONG_UPSTREAM


def sample_frames(maps: np.ndarray) -> np.ndarray:
    """Return the frames of a case that the sample has."""
    return maps[[0, (len(maps) - 1) // 2]] if len(maps) > 1 else maps


def cases(parity: Path) -> Iterator[Case]:
    """Yield name, poses, maps, options, and whether the maps are wrong, of all cases."""
    for case in json.loads((parity / "heatmap" / "index.json").read_text()):
        options = {OPTIONS[key]: value for key, value in case["overrides"].items() if key in OPTIONS}
        if case["overrides"].get("padkeypoints_args.pad_method") == "simple":
            options["fill"] = "mean"
        with np.load(parity / "heatmap" / f"{case['case']}.npz") as stored:
            yield case["case"], stored["pose"], stored["maps"], options, case["case"] in WRONG_UPSTREAM


def test_every_parity_case_agrees_with_opengait(parity: Path) -> None:
    n_cases = 0
    for name, poses, expected, options, is_wrong in cases(parity):
        assert agrees(skeleton_maps(poses, **options).maps, expected) != is_wrong, name
        n_cases += 1
    assert n_cases >= 24


@pytest.mark.parametrize("case", list(sample()), ids=lambda case: case[0])
def test_sample_agrees_with_opengait(case: Case) -> None:
    _, poses, expected, options, is_wrong = case
    assert agrees(sample_frames(skeleton_maps(poses, **options).maps), expected) != is_wrong
