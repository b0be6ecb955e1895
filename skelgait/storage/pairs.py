"""Skeleton maps and silhouettes of the same sequences, read together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource
from skelgait.storage.times import joint_time_ns

MAP_LINK = "0_heatmap.pkl"
SILHOUETTE_LINK = "1_sil.pkl"
PAIR_FILE = "pairs.h5"


class FramePairs(NamedTuple):
    """Frames of a sequence that are paired, if they are not simply all frames in order.

    Attributes:
        maps: indices (n,) of the paired maps, at least one.
        silhouettes: indices (n,) of the silhouettes, each paired with the map at the same position.
        n_maps: number of maps of the sequence.
        n_silhouettes: number of silhouettes of the sequence.
    """

    maps: NDArray[np.int64]
    silhouettes: NDArray[np.int64]
    n_maps: int
    n_silhouettes: int


class PairSource(SequenceSource):
    """Source that reads each sequence from a source of maps and a source of silhouettes.

    Args:
        path: folder of the pair file.
        maps: source of the maps.
        silhouettes: source of the silhouettes.
        pairs: paired sequences, each with its paired frames; None: all frames in order.
    """

    title = "an HDF5 store"

    def __init__(
        self, path: Path, maps: SequenceSource, silhouettes: SequenceSource, pairs: Mapping[Key, FramePairs | None]
    ) -> None:
        self.path = path
        self.keys = sorted(pairs)
        self.modalities: tuple[Modality, ...] = ("map", "silhouette")
        self._maps = maps
        self._silhouettes = silhouettes
        self._frame_pairs = {key: frame_pairs for key, frame_pairs in pairs.items() if frame_pairs is not None}

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`."""
        pairs = self._frame_pairs.get(key)
        if pairs is None and choose is None:
            (maps,), (silhouettes,) = self._maps.read(key), self._silhouettes.read(key)
            self._check(key, "silhouettes", len(silhouettes), len(maps))
            return maps, silhouettes
        length = self.length(key)
        all_frames = np.arange(length)
        indices = all_frames if choose is None else choose(length)  # called once, because the choice may be random
        pairs = pairs or FramePairs(all_frames, all_frames, length, length)
        (maps,) = self._maps.read(key, self._select(key, "maps", pairs.n_maps, pairs.maps[indices]))
        (silhouettes,) = self._silhouettes.read(
            key, self._select(key, "silhouettes", pairs.n_silhouettes, pairs.silhouettes[indices])
        )
        return maps, silhouettes

    def verify(self, key: Key) -> bool:
        """See `SequenceSource.verify`."""
        has_sums = [self._maps.verify(key), self._silhouettes.verify(key)]
        self.read(key)
        return all(has_sums)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        pairs = self._frame_pairs.get(key)
        return self._maps.length(key) if pairs is None else len(pairs.maps)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`."""
        header, pairs = self._maps.header(key), self._frame_pairs.get(key)
        return header if pairs is None else np.empty((len(pairs.maps), *header.shape[1:]), header.dtype)

    def frame_names(self, key: Key) -> list[str] | None:
        """Return the names of the map frames, see `SequenceSource.frame_names`."""
        names, pairs = self._maps.frame_names(key), self._frame_pairs.get(key)
        if names is None or pairs is None:
            return names
        self._check(key, "maps", len(names), pairs.n_maps)
        return [names[index] for index in pairs.maps]

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        return joint_time_ns([self._maps.modified_ns(key), self._silhouettes.modified_ns(key)])

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self._maps.name(key)

    @property
    def metadata_folder(self) -> Path:
        """See `SequenceSource.metadata_folder`."""
        return self._maps.metadata_folder

    def _select(self, key: Key, side: str, expected: int, indices: NDArray[np.int64]) -> FrameChoice:
        """Return a choice of `indices` that checks that the sequence has as many frames as expected."""

        def choose(length: int) -> NDArray[np.int64]:
            self._check(key, side, length, expected)
            return indices

        return choose

    def _check(self, key: Key, side: str, length: int, expected: int) -> None:
        if length != expected:
            found, wanted = f"{length} {side}", f"{expected}, as when they were paired"
            raise DataError(f"{self.path}: {key}", found, wanted, "link the pairs again with `skelgait link`")
