"""Agreement with the maps of the authors' pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skelgait.maps import skeleton_maps

DATA = Path(__file__).resolve().parents[1] / "data" / "maps"
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


def test_every_case(parity: Path) -> None:
    cases = json.loads((parity / "heatmap" / "index.json").read_text())
    differing = set()
    for case in cases:
        options = {OPTIONS[key]: value for key, value in case["overrides"].items() if key in OPTIONS}
        if case["overrides"].get("padkeypoints_args.pad_method") == "simple":
            options["fill"] = "mean"
        with np.load(parity / "heatmap" / f"{case['case']}.npz") as stored:
            if not agrees(skeleton_maps(stored["pose"], **options).maps, stored["maps"]):
                differing.add(case["case"])
    assert len(cases) >= 24
    assert differing == WRONG_UPSTREAM


@pytest.mark.parametrize("case", ["clean_front", "drop3"])
def test_some_numbers_anywhere(case: str) -> None:
    with np.load(DATA / f"{case}.npz") as stored:
        assert agrees(skeleton_maps(stored["pose"]).maps[: len(stored["maps"])], stored["maps"])
