"""Embeddings in one HDF5 file, read from disk on demand and never as a whole.

The file holds `keys` (N, 3) as UTF-8 bytes: identity, condition, view; `frames` (N,): number of frames of each
sequence; `embedding_1` and `embedding_2` (N, S, D) float32; and `facts`: origin of the embeddings as JSON.
`embedding_1_crc32` and `embedding_2_crc32` (N,) have the CRC-32 of each row, and the attribute `crc32` of `facts` that
of the JSON; `keys` and `frames` have Fletcher-32 checksums. Files of 0.1.0 have no checksums.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait import __version__
from skelgait.embeddings.embeddings import Embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.embeddings.file_vectors import FileVectors, RowSums
from skelgait.errors import DataError, PathLike
from skelgait.storage import Key
from skelgait.storage.format_version import check_format
from skelgait.storage.hdf5_file import create_hdf5, write_table
from skelgait.storage.hdf5_reader import HDF5_ERRORS, has_name, open_checked, open_hdf5, read_number
from skelgait.storage.lock import lock_file
from skelgait.storage.shards import read_keys, sum_of, write_keys

FORMAT = 1
_NAMES = {1: "embedding_1", 2: "embedding_2"}
# Facts that are integers, and facts that are mappings; the others are strings.
_INTEGERS, _MAPPINGS = {"iteration", "test_embedding", "max_frames"}, {"settings", "drawn"}
# Facts that older files do not have.
_DEFAULTS = {"chosen_on": "", "preset": ""}
_SUMS = "_crc32"
_EXPECTED, _HINT = "an embedding file", "make one with `skelgait embed`"


@dataclass(frozen=True)
class EmbeddingFacts:
    """Origin of the embeddings in a file.

    Attributes:
        network: name of the network.
        iteration: optimizer steps the network was trained for.
        checkpoint: path of the checkpoint.
        checkpoint_sha256: SHA-256 of the checkpoint, in hexadecimal digits.
        test_embedding: embedding that is compared by default, 1 or 2.
        source: path of the sequences.
        max_frames: frames used of each sequence.
        precision: arithmetic of the network.
        settings: settings of the embedding, by dotted key.
        drawn: settings that the maps were drawn with, as far as known.
        chosen_on: people whose rank-1 the checkpoint was chosen by, `test` or `validation`; empty: not chosen.
        preset: published preset that the network was trained with; empty: none, or unknown.
    """

    network: str
    iteration: int
    checkpoint: str
    checkpoint_sha256: str
    test_embedding: int
    source: str
    max_frames: int
    precision: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    drawn: Mapping[str, Any] = field(default_factory=dict)
    chosen_on: str = ""
    preset: str = ""


def write_embeddings(
    path: PathLike,
    keys: Sequence[Key],
    frames: Sequence[int],
    chunks: Iterable[EmbeddingChunk],
    facts: EmbeddingFacts,
    tables: Mapping[str, NDArray[Any]] = MappingProxyType({}),
) -> None:
    """Write embeddings to a file, chunk by chunk. The file appears only when it is complete.

    Args:
        path: file to write.
        keys: embedded sequences.
        frames: number of frames of each sequence.
        chunks: embeddings, which together cover all `keys`.
        facts: origin of the embeddings.
        tables: further tables by name; readers of embeddings ignore them. Default: none.

    Raises:
        DataError: if the file cannot be written, or another process writes it.
        SkelgaitError: if `chunks` raises it.
    """
    with lock_file(Path(path)), create_hdf5(Path(path)) as (file, check):
        write_keys(file, list(keys))
        write_table(file, "frames", np.asarray(frames, np.int64))
        # Text of fixed length: HDF5 may loop forever on a damaged file with text of variable length.
        content = {"format": FORMAT, **asdict(facts), "made_by": f"skelgait {__version__}"}
        facts_json = json.dumps(content).encode()
        file["facts"] = np.bytes_(facts_json)
        file["facts"].attrs["crc32"] = zlib.crc32(facts_json)
        sums = {name: np.zeros(len(keys), np.uint32) for name in _NAMES.values()}
        for chunk in chunks:
            for name, values in zip(_NAMES.values(), chunk[1:], strict=True):
                if name not in file:
                    _create_table(file, name, (len(keys), *values.shape[1:]))
                _write_rows(file[name], chunk.indices, values)
                sums[name][chunk.indices] = [sum_of(row.astype(np.float32, copy=False)) for row in values]
            check()
        for name, table in {**{name + _SUMS: table for name, table in sums.items()}, **tables}.items():
            write_table(file, name, table)


def _create_table(file: h5py.File, name: str, shape: tuple[int, ...]) -> None:
    """Create a float32 table that is contiguous, so that it can be mapped into memory, and not filled with zeros."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    properties.set_obj_track_times(False)  # equal embeddings make equal files
    h5py.h5d.create(file.id, name.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(shape), properties)


def _write_rows(table: h5py.Dataset, indices: NDArray[np.int64], values: NDArray[np.float32]) -> None:
    """Write rows in runs of consecutive indices: HDF5 needs ascending indices, and is fast for slices only."""
    if not len(indices):
        return
    order = np.argsort(indices)
    indices, values = indices[order], values[order]
    ends = [*(np.flatnonzero(np.diff(indices) != 1) + 1).tolist(), len(indices)]
    for start, stop in zip([0, *ends], ends, strict=False):
        table[indices[start] : indices[start] + stop - start] = values[start:stop]


@dataclass(frozen=True)
class EmbeddingFile:
    """Embedding file whose embeddings are read on demand.

    Attributes:
        path: path of the file.
        facts: origin of the embeddings.
        keys: embedded sequences.
        values: (N, D, S) embeddings, read on demand.
        embedding: embedding that is read, 1 or 2.
        frames: (N,) number of frames of each sequence.
    """

    path: Path
    facts: EmbeddingFacts
    keys: Sequence[Key]
    values: FileVectors
    embedding: int
    frames: NDArray[np.int64]

    def select(self, keys: Sequence[Key]) -> Embeddings:
        """Return the embeddings of some of the sequences, still read on demand.

        Raises:
            DataError: if a sequence is not in the file.
        """
        index_of = {key: index for index, key in enumerate(self.keys)}
        missing = [key for key in keys if key not in index_of]
        if missing:
            hint = "embed these sequences as well"
            raise DataError(self.path, f"no sequence {'/'.join(missing[0])}", "all requested sequences", hint)
        indices = np.array([index_of[key] for key in keys], np.int64)
        n_truncated = int((self.frames[indices] > self.facts.max_frames).sum())
        return Embeddings(keys, self.values.select(indices), n_truncated)


def open_embeddings(path: PathLike, embedding: int | None = None) -> EmbeddingFile:
    """Open an embedding file.

    Args:
        path: path of the file.
        embedding: embedding to read, 1 or 2; default: the one that the file names for comparison.

    Raises:
        DataError: if the file is missing, damaged, or not an embedding file.
    """
    path = Path(path)
    with open_hdf5(path, _EXPECTED, _HINT, "no embeddings") as file:
        facts = _read_facts(path, file["facts"])
        number = embedding or facts.test_embedding
        table, keys, frames = file[_NAMES[number]], read_keys(file), np.asarray(file["frames"][:])
        if table.dtype != np.float32 or table.ndim != 3 or len(table) != len(keys):
            raise ValueError(f"{table.name} of shape {table.shape} and type {table.dtype} for {len(keys)} keys")
        if frames.shape != (len(keys),) or frames.dtype.kind not in "iu":
            raise ValueError(f"frames of shape {frames.shape} and type {frames.dtype} for {len(keys)} keys")
        if len(frames) and frames.min() < 0:
            raise ValueError(f"{frames.min()} frames of {keys[int(frames.argmin())]}")
        if len(set(keys)) != len(keys):
            raise ValueError("a repeated sequence")
        offset = table.id.get_offset()
        if offset is None and len(keys):
            raise ValueError(f"{table.name} is not contiguous")
        values = FileVectors(path, keys, offset or 0, table.shape, _read_sums(file, _NAMES[number], len(keys)))
    return EmbeddingFile(path, facts, keys, values, number, frames)


def _read_sums(file: h5py.File, name: str, n_rows: int) -> RowSums | None:
    """Read the checksums of the rows of a table; None if the file has none."""
    if not has_name(file, name + _SUMS):
        return None
    sums = file[name + _SUMS][:]
    if sums.shape != (n_rows,) or sums.dtype != np.uint32:
        raise ValueError(f"checksums of shape {sums.shape} and type {sums.dtype} for {n_rows} keys")
    return RowSums(sums)


def holds_embeddings(path: Path) -> bool:
    """Return True if a file has the tables of an embedding file, damaged or not."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    try:
        with open_checked(path) as file:
            return any(name in file for name in _NAMES.values())
    except HDF5_ERRORS:
        return False


def _read_facts(path: Path, table: h5py.Dataset) -> EmbeddingFacts:
    if table.dtype.kind != "S" or table.shape != ():
        raise ValueError(f"facts of shape {table.shape} and type {table.dtype}")
    text = table[()]
    if "crc32" in table.attrs and read_number(table, "crc32") != zlib.crc32(text):
        raise ValueError("facts that differ from their checksum")
    content = json.loads(text)
    if isinstance(content, dict):
        check_format(path, content.get("format"), FORMAT)
    values: dict[str, Any] = {}
    for name in (item.name for item in fields(EmbeddingFacts)):
        value = content.get(name, _DEFAULTS.get(name)) if isinstance(content, dict) else None
        if not isinstance(value, int if name in _INTEGERS else dict if name in _MAPPINGS else str):
            raise ValueError(f"{name} {value!r} among the facts")
        values[name] = value
    facts = EmbeddingFacts(**values)
    if facts.test_embedding not in _NAMES:
        raise ValueError(f"test_embedding {facts.test_embedding}")
    return facts
