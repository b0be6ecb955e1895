"""Agreement with the maps of OpenGait."""

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
    off = np.abs(maps.astype(int) - expected)
    return bool(off.max() <= 1 and (off == 0).mean() >= 0.9999)


def cases(parity: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, dict[str, Any], bool]]:
    """Name, poses, maps and options of each case, and whether its maps are wrong."""
    for case in json.loads((parity / "heatmap" / "index.json").read_text()):
        options = {OPTIONS[key]: value for key, value in case["overrides"].items() if key in OPTIONS}
        if case["overrides"].get("padkeypoints_args.pad_method") == "simple":
            options["fill"] = "mean"
        with np.load(parity / "heatmap" / f"{case['case']}.npz") as stored:
            yield case["case"], stored["pose"], stored["maps"], options, case["case"] in WRONG_UPSTREAM


def test_every_case(parity: Path) -> None:
    n_cases = 0
    for name, poses, expected, options, is_wrong in cases(parity):
        assert agrees(skeleton_maps(poses, **options).maps, expected) != is_wrong, name
        n_cases += 1
    assert n_cases >= 24


@pytest.mark.parametrize("case", ["clean_front", "drop3"])
def test_some_numbers_anywhere(case: str) -> None:
    with np.load(MAPS / f"{case}.npz") as stored:
        assert agrees(skeleton_maps(stored["pose"]).maps[: len(stored["maps"])], stored["maps"])
