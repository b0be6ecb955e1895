"""Small HDF5 files of every kind, and readers of all of their values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from skelgait.embeddings import EmbeddingFacts, open_embeddings, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.storage import Key, open_source
from skelgait.storage.pair_file import PairedSources, PairFile, read_pair_file, write_pair_file
from skelgait.storage.pairs import FramePairs
from skelgait.storage.shards import ShardIndex, write_shard

KEYS = [Key(f"{i:03d}", "nm-01", "090") for i in range(4)]
FRAMES = 20
FACTS = EmbeddingFacts("skeletongait", 7, "c.pt", "ab" * 32, 2, "maps", 5, "float32", {"batch": 1}, {"sigma": 8.0})


class Kind(NamedTuple):
    """Kind of HDF5 file.

    Attributes:
        table: name of a large table in it.
        write: writes a file.
        read: reads all values that a command uses, for `numpy.testing.assert_equal`.
    """

    table: str
    write: Callable[[Path], None]
    read: Callable[[Path], object]


def maps_of(key: Key, frames: int = FRAMES) -> np.ndarray:
    return np.random.default_rng(int(key.identity)).integers(0, 255, (frames, 2, 8, 6), np.uint8)


def write_maps(path: Path, compression: str = "lz4hc") -> None:
    names = [[f"frame{t:03d}" for t in range(FRAMES)] for _ in KEYS]
    offsets = list(range(0, FRAMES * len(KEYS) + 1, FRAMES))
    index = ShardIndex(KEYS, offsets, ["090"] * len(KEYS), names, [10**18 + i for i in range(len(KEYS))])
    arrays = map(maps_of, KEYS)
    write_shard(path, index, arrays, "map", source="poses", settings={"s": 8}, compression=compression)  # type: ignore[arg-type]


def read_maps(path: Path) -> object:
    maps = open_source(path, "map")
    return [(key, maps.read(key), maps.name(key), maps.frame_names(key), maps.modified_ns(key)) for key in maps.keys]


def _write_pairs(path: Path) -> None:
    frames = np.arange(FRAMES)
    pairs = {key: FramePairs(frames, frames[::-1], FRAMES, FRAMES) for key in KEYS[:2]}
    sources = PairedSources(Path("/data/maps"), Path("/data/silhouettes"), "*-sil.pkl")
    write_pair_file(path, PairFile(sources, {**pairs, **dict.fromkeys(KEYS[2:])}))


def _read_pairs(path: Path) -> object:
    sources, pairs = read_pair_file(path)
    return [sources, {key: frames and tuple(frames) for key, frames in pairs.items()}]


def _write_embeddings(path: Path) -> None:
    first, second = np.random.default_rng(0).standard_normal((2, len(KEYS), 4, 6)).astype(np.float32)
    write_embeddings(path, KEYS, [30] * len(KEYS), [EmbeddingChunk(np.arange(len(KEYS)), first, second)], FACTS)


def _read_embeddings(path: Path) -> object:
    first, second = (open_embeddings(path, number) for number in (1, 2))
    return [second.facts, list(second.keys), second.frames, first.values.numpy(), second.values.numpy()]


KINDS = {
    "maps": Kind("frames", write_maps, read_maps),
    "uncompressed maps": Kind("frames", lambda path: write_maps(path, "none"), read_maps),
    "pairs": Kind("frame_pairs/frames", _write_pairs, _read_pairs),
    "embeddings": Kind("embedding_2", _write_embeddings, _read_embeddings),
}
