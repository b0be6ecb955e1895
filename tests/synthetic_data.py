"""Small synthetic datasets for tests of commands."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from skelgait.datasets import find_dataset
from skelgait.storage import Key, PickleTreeWriter
from skelgait.synth import SynthReport, write_walkers


def write_dataset(out: Path, dataset: str = "CASIA-B", **more: object) -> SynthReport:
    """Write a dataset of eight synthetic walkers, two views and short walks."""
    options = {
        "people": 8, "views": 2, "conditions": ("normal", "bag"), "repeats": 2, "frames": 10, "noise_px": 1.5,
        "lost": 0.01, "seed": 0, **more,
    }  # fmt: skip
    return write_walkers(out, find_dataset(dataset), **options)  # type: ignore[arg-type]


def write_random_maps(root: Path, identities: int = 4, views: int = 3, frames: int = 9) -> None:
    """Write a tree of random maps, for tests that only check arithmetic."""
    for identity in range(identities):
        for view in range(views):
            rng = np.random.default_rng(100 * identity + view)
            maps = rng.integers(0, 255, (frames + view, 2, 64, 64), np.uint8)
            PickleTreeWriter(root).write(Key(f"{identity:03d}", "n", str(view)), maps)
