"""Skeleton maps and silhouettes of the same sequences, read together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.hdf5_file import create_hdf5
from skelgait.storage.parts import write_keys
from skelgait.storage.source import FrameChoice, Key, Modality, SequenceSource

MAP_LINK = "0_heatmap.pkl"
SILHOUETTE_LINK = "1_sil.pkl"
PAIR_FILE = "pairs.h5"


class PairSource:
    """A `SequenceSource` that reads each sequence from a source of maps and a source of silhouettes.

    Args:
        path: where the pairing is written down.
        maps: the source of maps.
        silhouettes: the source of silhouettes.
        keys: the sequences that both have, with the same number of frames.
    """

    def __init__(self, path: Path, maps: SequenceSource, silhouettes: SequenceSource, keys: Sequence[Key]) -> None:
        self.path = path
        self.keys = sorted(keys)
        self.modalities: tuple[Modality, ...] = ("map", "silhouette")
        self._maps = maps
        self._silhouettes = silhouettes

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """See `SequenceSource.read`."""
        length = self._maps.length(key)
        chosen = None if choose is None else choose(length)
        same_frames: FrameChoice | None = None if chosen is None else lambda _: chosen
        (maps,), (silhouettes,) = self._maps.read(key, same_frames), self._silhouettes.read(key, same_frames)
        if len(maps) != len(silhouettes):
            found, expected = f"{len(silhouettes)} silhouettes", f"{length} as there are maps"
            raise DataError(f"{self.path}: {key}", found, expected, "link the pairs again with `skelgait link`")
        return maps, silhouettes

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        return self._maps.length(key)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`."""
        return self._maps.header(key)

    def modified_ns(self, key: Key) -> int:
        """See `SequenceSource.modified_ns`."""
        return max(self._maps.modified_ns(key), self._silhouettes.modified_ns(key))

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self._maps.name(key)


def write_pair_file(path: Path, keys: Sequence[Key], maps: Path, silhouettes: Path, silhouette_pattern: str) -> None:
    """Write the file that names both sources and the sequences that pair up; whole or not at all.

    Raises:
        DataError: the file cannot be written.
    """
    with create_hdf5(path) as (file, _):
        file.attrs.update(
            maps=str(maps.resolve()), silhouettes=str(silhouettes.resolve()), silhouette_pattern=silhouette_pattern
        )
        write_keys(file, keys)
