"""Skeleton maps and silhouettes of the same sequences, read together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource

MAP_LINK = "0_heatmap.pkl"
SILHOUETTE_LINK = "1_sil.pkl"
PAIR_FILE = "pairs.h5"


class Cut(NamedTuple):
    """The frames of a sequence that are paired, where not all are, or not as they lie.

    Attributes:
        maps: numbers (n,) of the maps that are paired, counted from 0, at least one.
        silhouettes: numbers (n,) of the silhouettes, each paired with the map at the same place.
        n_maps: maps that there are.
        n_silhouettes: silhouettes that there are.
    """

    maps: NDArray[np.int64]
    silhouettes: NDArray[np.int64]
    n_maps: int
    n_silhouettes: int


class PairSource:
    """A `SequenceSource` that reads each sequence from a source of maps and a source of silhouettes.

    Args:
        path: where the pairing is written down.
        maps: the source of maps.
        silhouettes: the source of silhouettes.
        pairs: the sequences that both have, each with its cut; None where all frames are paired as they lie.
    """

    def __init__(
        self, path: Path, maps: SequenceSource, silhouettes: SequenceSource, pairs: Mapping[Key, Cut | None]
    ) -> None:
        self.path = path
        self.keys = sorted(pairs)
        self.modalities: tuple[Modality, ...] = ("map", "silhouette")
        self.maps = maps
        self._silhouettes = silhouettes
        self._cuts = {key: cut for key, cut in pairs.items() if cut is not None}

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`."""
        cut = self._cuts.get(key)
        if cut is None and choose is None:
            (maps,), (silhouettes,) = self.maps.read(key), self._silhouettes.read(key)
            self._check(key, "silhouettes", len(silhouettes), len(maps))
            return maps, silhouettes
        length = self.length(key)
        every = np.arange(length)
        chosen = every if choose is None else choose(length)  # once, as the choice may be random
        cut = cut or Cut(every, every, length, length)
        (maps,) = self.maps.read(key, self._frames(key, "maps", cut.n_maps, cut.maps[chosen]))
        (silhouettes,) = self._silhouettes.read(
            key, self._frames(key, "silhouettes", cut.n_silhouettes, cut.silhouettes[chosen])
        )
        return maps, silhouettes

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        cut = self._cuts.get(key)
        return self.maps.length(key) if cut is None else len(cut.maps)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`."""
        header, cut = self.maps.header(key), self._cuts.get(key)
        return header if cut is None else np.empty((len(cut.maps), *header.shape[1:]), header.dtype)

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`; those of the maps."""
        names, cut = self.maps.frame_names(key), self._cuts.get(key)
        if names is None or cut is None:
            return names
        self._check(key, "maps", len(names), cut.n_maps)
        return [names[place] for place in cut.maps]

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        return max(self.maps.modified_ns(key), self._silhouettes.modified_ns(key))

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self.maps.name(key)

    def _frames(self, key: Key, side: str, expected: int, frames: NDArray[np.int64]) -> FrameChoice:
        """The choice of `frames` of one side, which has as many as `expected`."""

        def choose(length: int) -> NDArray[np.int64]:
            self._check(key, side, length, expected)
            return frames

        return choose

    def _check(self, key: Key, side: str, length: int, expected: int) -> None:
        if length != expected:
            found, wanted = f"{length} {side}", f"{expected}, as when they were paired"
            raise DataError(f"{self.path}: {key}", found, wanted, "link the pairs again with `skelgait link`")
