"""Walks of which frames have been lost, on either side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skelgait.storage import Key, PickleTreeWriter

Numbers = Sequence[int]


def write_maps(root: Path, key: Key, numbers: Numbers, names: Sequence[str] | None = None, add: int = 0) -> Path:
    """A sequence of maps in which every pixel of a frame is the frame's number, plus `add`."""
    frames = np.array(numbers, np.uint8).reshape(-1, 1, 1, 1) + np.uint8(add)
    return PickleTreeWriter(root).write(key, np.tile(frames, (1, 2, 8, 8)), None, 10**18, names)


def write_silhouettes(root: Path, key: Key, numbers: Numbers, names: Sequence[str] | None = None) -> Path:
    """A sequence of silhouettes likewise."""
    frames = np.array(numbers, np.uint8).reshape(-1, 1, 1)
    return PickleTreeWriter(root).write(key, np.tile(frames, (1, 8, 8)), "sils", 2 * 10**18, names)


def named(numbers: Numbers, form: str = "human_crop_f{}") -> list[str]:
    """Names of frames."""
    return [form.format(number) for number in numbers]


def plain_match(maps: Numbers, silhouettes: Numbers) -> list[tuple[int, int]]:
    """Which map belongs to which silhouette, by looking at all of them."""
    found = []
    for number in range(max([*maps, *silhouettes], default=0) + 1):
        for i, of_map in enumerate(maps):
            for j, of_silhouette in enumerate(silhouettes):
                if of_map == of_silhouette == number:
                    found.append((i, j))
    return found
