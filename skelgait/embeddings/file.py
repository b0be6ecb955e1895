"""Embeddings in one HDF5 file, which is read as it lies on the disk, and never all of it at once.

It holds `keys` (N, 3) as UTF-8 bytes: identity, condition, view; `frames` (N,): how many each sequence has;
`embedding_1` and `embedding_2` (N, S, D) float32: strips, and the numbers of each; and `facts`: JSON that says what
made them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skelgait import __version__
from skelgait.embeddings.embed import Embedded
from skelgait.embeddings.embeddings import Embeddings, check_finite
from skelgait.errors import DataError
from skelgait.matching.distances import Vectors, as_slice
from skelgait.storage import Key
from skelgait.storage.hdf5_file import HDF5_ERRORS, create_hdf5
from skelgait.storage.shards import read_keys, write_keys

_NAMES = {1: "embedding_1", 2: "embedding_2"}
# Of the facts, those that are whole numbers, and those that are mappings; the others are text.
_NUMBERS, _TABLES = {"iteration", "test_embedding", "max_frames"}, {"settings", "drawn"}
_HINT = "make it with `skelgait embed`"


@dataclass(frozen=True)
class EmbeddingFacts:
    """What made the embeddings of a file.

    Attributes:
        network: the network's name.
        iteration: optimizer steps that it was trained.
        checkpoint: path of its checkpoint.
        checkpoint_sha256: the checkpoint's SHA-256, in hexadecimal digits.
        test_embedding: which of the two embeddings is compared, 1 or 2.
        source: where the sequences lie.
        max_frames: frames used of a sequence.
        precision: arithmetic of the network.
        settings: settings of the embedding, by dotted key.
        drawn: what is known of how the maps were drawn.
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


def write_embeddings(
    path: Path, keys: Sequence[Key], frames: Sequence[int], parts: Iterable[Embedded], facts: EmbeddingFacts
) -> None:
    """Write embeddings as they come, whole or not at all.

    Args:
        path: the file.
        keys: whose they are.
        frames: how many each sequence has.
        parts: the embeddings, which together are those of all `keys`.
        facts: what made them.

    Raises:
        DataError: the file cannot be written.
        SkelgaitError: as `parts` raises.
    """
    with create_hdf5(path) as (file, check):
        write_keys(file, list(keys))
        file["frames"] = np.asarray(frames, np.int64)
        # Text of a fixed length: HDF5 may loop for ever in a damaged file with text of any other kind.
        file["facts"] = np.bytes_(json.dumps({**asdict(facts), "made_by": f"skelgait {__version__}"}).encode())
        for part in parts:
            for name, values in zip(_NAMES.values(), part[1:], strict=True):
                if name not in file:
                    # In one piece, so that it can be mapped into memory.
                    file.create_dataset(name, (len(keys), *values.shape[1:]), np.float32, fill_time="never")
                _write_rows(file[name], part.places, values)
            check()


def _write_rows(table: h5py.Dataset, places: NDArray[np.int64], values: NDArray[np.float32]) -> None:
    """Write rows; HDF5 takes numbers of rows in ascending order only, and is quick with neighbors alone."""
    order = np.argsort(places)
    places, values = places[order], values[order]
    ends = [*(np.flatnonzero(np.diff(places) != 1) + 1).tolist(), len(places)]
    for start, stop in zip([0, *ends], ends, strict=False):
        table[places[start] : places[start] + stop - start] = values[start:stop]


@dataclass(frozen=True)
class EmbeddingFile:
    """An embedding file, whose embeddings are read as they are needed.

    Attributes:
        path: the file.
        facts: what made the embeddings.
        keys: the sequences.
        values: (N, D, S) one embedding of each.
        embedding: which of the two, 1 or 2.
        frames: (N,) how many each sequence has.
    """

    path: Path
    facts: EmbeddingFacts
    keys: Sequence[Key]
    values: Vectors
    embedding: int
    frames: NDArray[np.int64]

    def select(self, keys: Sequence[Key]) -> Embeddings:
        """The embeddings of some of the sequences.

        Raises:
            DataError: one of them is not in the file.
        """
        place_of = {key: place for place, key in enumerate(self.keys)}
        missing = [key for key in keys if key not in place_of]
        if missing:
            raise DataError(self.path, f"no sequence {'/'.join(missing[0])}", "all that are asked for", "embed them")
        places = np.array([place_of[key] for key in keys], np.int64)
        n_cut = int((self.frames[places] > self.facts.max_frames).sum())
        return Embeddings(keys, _Chosen(self.values, places), n_cut)


def open_embeddings(path: Path, embedding: int | None = None) -> EmbeddingFile:
    """Open an embedding file.

    Args:
        path: the file.
        embedding: which of the two embeddings, 1 or 2; the one that the file says is compared where None.

    Raises:
        DataError: the file is missing, damaged, or none of embeddings.
    """
    try:
        with h5py.File(path, "r") as file:
            facts = _read_facts(file["facts"])
            chosen = embedding or facts.test_embedding
            table, keys, frames = file[_NAMES[chosen]], read_keys(file), np.asarray(file["frames"][:])
            if table.dtype != np.float32 or table.ndim != 3 or len(table) != len(keys):
                raise ValueError(f"{table.name} of shape {table.shape} and type {table.dtype} for {len(keys)} keys")
            if frames.shape != (len(keys),) or frames.dtype.kind not in "iu":
                raise ValueError(f"frames of shape {frames.shape} and type {frames.dtype} for {len(keys)} keys")
            if len(set(keys)) != len(keys):
                raise ValueError("a sequence that stands in it twice")
            offset = table.id.get_offset()
            if offset is None and len(keys):
                raise ValueError(f"{table.name} in chunks, not in one piece")
            values = _MappedValues(path, keys, offset or 0, table.shape)
    except HDF5_ERRORS as error:
        raise DataError(path, _why(error), "a file of embeddings", _HINT) from error
    return EmbeddingFile(path, facts, keys, values, chosen, frames)


def _why(error: Exception) -> str:
    """Why no embeddings can be read, in a line; HDF5 takes several for a missing file or a folder."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return f"no embeddings ({' '.join(str(error).split())})"


def holds_embeddings(path: Path) -> bool:
    """Whether a file is, or claims to be, one of embeddings."""
    if not path.is_file() or not h5py.is_hdf5(path):
        return False
    try:
        with h5py.File(path, "r") as file:
            return any(name in file for name in _NAMES.values())
    except HDF5_ERRORS:
        return False


def _read_facts(table: h5py.Dataset) -> EmbeddingFacts:
    if table.dtype.kind != "S" or table.shape != ():
        raise ValueError(f"facts of shape {table.shape} and type {table.dtype}")
    content = json.loads(table[()])
    values: dict[str, Any] = {}
    for name in (of.name for of in fields(EmbeddingFacts)):
        value = content.get(name) if isinstance(content, dict) else None
        if not isinstance(value, int if name in _NUMBERS else dict if name in _TABLES else str):
            raise ValueError(f"{name} {value!r} among the facts")
        values[name] = value
    facts = EmbeddingFacts(**values)
    if facts.test_embedding not in _NAMES:
        raise ValueError(f"test_embedding {facts.test_embedding}")
    return facts


class _Chosen:
    """Some rows of embeddings (N, D, S).

    Args:
        values: all of them.
        places: (n,) the rows.
    """

    def __init__(self, values: Vectors, places: NDArray[np.int64]) -> None:
        self._values = values
        self._places = places
        self.shape = (len(places), *values.shape[1:])

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Tensor:
        return self._values[as_slice(self._places[rows])]


class _MappedValues:
    """Embeddings (N, D, S) in a file. Rows are mapped into memory while they are used, and then let go.

    Args:
        path: the file.
        keys: whose they are.
        offset: where they begin in the file, in bytes.
        shape: (N, S, D), as they lie there.
    """

    def __init__(self, path: Path, keys: Sequence[Key], offset: int, shape: tuple[int, int, int]) -> None:
        self._path = path
        self._keys = keys
        self._offset = offset
        self._row_shape = shape[1:]
        self.shape = (shape[0], shape[2], shape[1])

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> Tensor:
        """Embeddings (n, D, S) of some sequences.

        Raises:
            CheckpointError: they are not finite numbers.
            DataError: the file cannot be read.
        """
        n = len(self._keys)
        numbers = np.arange(*rows.indices(n)) if isinstance(rows, slice) else np.arange(n)[rows]
        if not len(numbers):
            return torch.empty(0, *self.shape[1:])
        first, last = int(numbers.min()), int(numbers.max())
        values = torch.from_numpy(self._map(first, last + 1)[as_slice(numbers - first)])
        check_finite(values, self._keys, str(self._path), numbers)
        return values.transpose(1, 2)

    def _map(self, start: int, stop: int) -> NDArray[np.float32]:
        row_bytes = 4 * int(np.prod(self._row_shape))
        try:
            # Copy on write, since tensors can be written to.
            return np.memmap(
                self._path, np.float32, "c", self._offset + start * row_bytes, (stop - start, *self._row_shape)
            )
        except (OSError, ValueError) as error:
            raise DataError(self._path, f"no embeddings ({error})", "a file of embeddings", _HINT) from error
