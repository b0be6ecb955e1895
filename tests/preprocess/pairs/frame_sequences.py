"""Walks with lost frames, in maps or silhouettes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelgait.storage import Key, PickleTreeWriter

Numbers = Sequence[int]


def write_maps(root: Path, key: Key, numbers: Numbers, names: Sequence[str] | None = None, add: int = 0) -> Path:
    """Write a sequence of maps; every pixel of a frame is the frame's number plus `add`."""
    frames = np.array(numbers, np.uint8).reshape(-1, 1, 1, 1) + np.uint8(add)
    return PickleTreeWriter(root).write(key, np.tile(frames, (1, 2, 8, 8)), None, 10**18, names)


def write_silhouettes(root: Path, key: Key, numbers: Numbers, names: Sequence[str] | None = None) -> Path:
    """Write a sequence of silhouettes; every pixel of a frame is the frame's number."""
    frames = np.array(numbers, np.uint8).reshape(-1, 1, 1)
    return PickleTreeWriter(root).write(key, np.tile(frames, (1, 8, 8)), "sils", 2 * 10**18, names)


def named(numbers: Numbers, form: str = "human_crop_f{}") -> list[str]:
    """Return names of frames."""
    return [form.format(number) for number in numbers]


def plain_match(maps: Numbers, silhouettes: Numbers) -> list[tuple[int, int]]:
    """Return the paired indices of maps and silhouettes, found by comparing all of them."""
    pairs = []
    for number in range(max([*maps, *silhouettes], default=0) + 1):
        for i, map_number in enumerate(maps):
            for j, silhouette_number in enumerate(silhouettes):
                if map_number == silhouette_number == number:
                    pairs.append((i, j))
    return pairs
