"""Synthetic walks whose maps and silhouettes count their frames from different numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_source
from tests.synthetic_data import write_dataset

Walk = tuple[NDArray[np.uint8], NDArray[np.uint8]]
FIRST = 7


def make_walks(folder: Path) -> dict[Key, Walk]:
    """Return maps and silhouettes of four synthetic walkers from the front, both sides and the back."""
    write_dataset(folder, people=4, views=4, conditions=("normal",), repeats=1, frames=40)
    poses, silhouettes = open_source(folder / "poses", "pose"), open_source(folder / "silhouettes", "silhouette")
    return {key: (skeleton_maps(poses.read(key)[0]).maps, silhouettes.read(key)[0]) for key in poses.keys}


def write_walks(
    root: Path, walks: Mapping[Key, Walk], offset: int | Callable[[Key], int], *, are_named: bool = True
) -> tuple[SequenceSource, SequenceSource]:
    """Write walks; the maps lose their last three frames, the silhouettes their first two.

    Args:
        root: folder of `maps` and `silhouettes`.
        walks: maps and silhouettes by key.
        offset: number to add to the frame numbers of the maps, or a function of the key.
        are_named: if False, frames have no names.
    """
    for key, (maps, silhouettes) in walks.items():
        shift = offset if isinstance(offset, int) else offset(key)
        map_names = [f"f{FIRST + i}" for i in range(len(maps))][:-3]
        names = [f"{FIRST + shift + i:05d}" for i in range(len(silhouettes))][2:]
        write = PickleTreeWriter(root / "maps").write
        write(key, maps[:-3], None, 10**18, map_names if are_named else None)
        write = PickleTreeWriter(root / "silhouettes").write
        write(key, silhouettes[2:], None, 10**18, names if are_named else None)
    return open_source(root / "maps", "map"), open_source(root / "silhouettes", "silhouette")
