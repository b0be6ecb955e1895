"""Gallery: an embedding file that also tells from what, with what and when each sequence was enrolled.

It is read wherever embeddings are read. Further tables are `sources`, `sha256`, `checkpoints` and `enrolled` (N,), as
UTF-8 bytes, and `threshold` (1,): the threshold of `skelgait gallery check` as JSON. An embedding file without them is
a gallery too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from math import isfinite
from pathlib import Path
from typing import Any, get_type_hints

import h5py
import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.embeddings.file import EmbeddingFacts, open_embeddings, write_embeddings
from skelgait.embeddings.file_vectors import FileVectors
from skelgait.errors import DataError
from skelgait.matching.distances import Vectors
from skelgait.matching.vectors import as_floats
from skelgait.storage import Key
from skelgait.storage.hdf5_reader import has_name, open_hdf5, read_table

_EXPECTED, _HINT = "a gallery", "make one with `skelgait enroll`"
_ROWS_AT_A_TIME = 512
_COLUMNS = ("keys", "frames", "origins")


@dataclass(frozen=True)
class Origin:
    """Origin of a sequence in a gallery. Texts are empty if the file does not tell.

    Attributes:
        source: absolute path of the file or folder that was enrolled, and the sequence in it.
        sha256: SHA-256 of the poses, maps, pairs or embeddings, in hexadecimal digits.
        checkpoint: path of the network that embedded it.
        enrolled: date and time in UTC, as ISO 8601.
    """

    source: str = ""
    sha256: str = ""
    checkpoint: str = ""
    enrolled: str = ""


_TABLES = {"source": "sources", "sha256": "sha256", "checkpoint": "checkpoints", "enrolled": "enrolled"}


@dataclass(frozen=True)
class GalleryThreshold:
    """Threshold that was learned from the gallery itself, leaving one sequence out.

    Attributes:
        value: largest distance at which a probe is accepted.
        distance: name of the distance.
        embedding: embedding that was compared, 1 or 2.
        target: share of impostors that may be accepted, in [0, 1].
        false_accepts: share of impostors that are accepted, in [0, 1].
        n_impostors: number of sequences that were compared with other people.
        learned: date and time in UTC, as ISO 8601.
    """

    value: float
    distance: str
    embedding: int
    target: float
    false_accepts: float
    n_impostors: int
    learned: str


@dataclass(frozen=True)
class GalleryRows:
    """Sequences of a gallery.

    Attributes:
        keys: N sequences; the identity is the name of the person.
        frames: N numbers of frames.
        origins: N origins.
        embedding_1: (N, D, S) embeddings before the batch norm neck.
        embedding_2: (N, D, S) embeddings after the batch norm neck.
    """

    keys: Sequence[Key]
    frames: Sequence[int]
    origins: Sequence[Origin]
    embedding_1: Vectors
    embedding_2: Vectors

    def select(self, indices: NDArray[np.int64]) -> GalleryRows:
        """Return some of the sequences; embeddings in a file stay there."""
        return GalleryRows(
            [self.keys[i] for i in indices],
            [self.frames[i] for i in indices],
            [self.origins[i] for i in indices],
            *(
                vectors.select(indices) if isinstance(vectors, FileVectors) else as_floats(vectors[indices])
                for vectors in (self.embedding_1, self.embedding_2)
            ),
        )


@dataclass(frozen=True)
class Gallery:
    """Content of a gallery; embeddings are read on demand.

    Attributes:
        path: path of the file.
        facts: network and settings of all embeddings.
        rows: sequences.
        threshold: threshold of `skelgait gallery check`; None: there is none since the last change.
    """

    path: Path
    facts: EmbeddingFacts
    rows: GalleryRows
    threshold: GalleryThreshold | None = None


def open_gallery(path: Path) -> Gallery:
    """Open a gallery, or an embedding file.

    Args:
        path: path of the file.

    Raises:
        DataError: if the file is missing, damaged, or not a gallery.
    """
    if not path.exists():
        hint = f"check the path, or make one with `skelgait enroll PATH --name NAME --gallery {path}`"
        raise DataError(path, "no such file", _EXPECTED, hint)
    first, second = (open_embeddings(path, number) for number in (1, 2))
    with open_hdf5(path, _EXPECTED, _HINT, "no gallery") as file:
        origins, threshold = _read_origins(file, len(first.keys)), _read_threshold(file)
    default = Origin(source=first.facts.source, checkpoint=first.facts.checkpoint)
    rows = GalleryRows(
        first.keys, first.frames.tolist(), origins or [default] * len(first.keys), first.values, second.values
    )
    return Gallery(path, first.facts, rows, threshold)


def read_threshold(path: Path) -> GalleryThreshold | None:
    """Read the threshold of a gallery; None if it has none.

    Raises:
        DataError: if the file is missing or damaged.
    """
    with open_hdf5(path, _EXPECTED, _HINT, "no gallery") as file:
        return _read_threshold(file)


def write_gallery(
    path: Path, facts: EmbeddingFacts, rows: Sequence[GalleryRows], threshold: GalleryThreshold | None = None
) -> None:
    """Write a gallery atomically. The rows may be those of the file that is replaced.

    Args:
        path: file to write.
        facts: network and settings of all embeddings.
        rows: sequences, group by group; all keys differ.
        threshold: threshold learned from exactly these sequences; None: none.

    Raises:
        DataError: if the file cannot be written, if another process writes it, or if the rows cannot be read.
    """
    keys, frames, origins = ([item for group in rows for item in getattr(group, name)] for name in _COLUMNS)
    tables = {table: _as_table([getattr(origin, name) for origin in origins]) for name, table in _TABLES.items()}
    if threshold is not None:
        tables["threshold"] = _as_table([json.dumps(asdict(threshold))])
    write_embeddings(path, keys, frames, _chunks(rows), facts, tables)


def _as_table(texts: Sequence[str]) -> NDArray[np.bytes_]:
    return np.array([text.encode("utf-8", "surrogateescape") for text in texts], "S")


def _chunks(rows: Sequence[GalleryRows]) -> Iterator[EmbeddingChunk]:
    offsets = accumulate((len(group.keys) for group in rows), initial=0)
    for group, offset in zip(rows, offsets, strict=False):
        # A group without rows yields a chunk too: it gives the shape of an empty gallery.
        for start in range(0, max(len(group.keys), 1), _ROWS_AT_A_TIME):
            stop = min(start + _ROWS_AT_A_TIME, len(group.keys))
            values = (
                as_floats(vectors[start:stop]).swapaxes(1, 2) for vectors in (group.embedding_1, group.embedding_2)
            )
            yield EmbeddingChunk(np.arange(offset + start, offset + stop), *values)


def _read_origins(file: h5py.File, n_rows: int) -> list[Origin]:
    """Read the origins of all rows; empty if the file is an embedding file without them."""
    if not any(has_name(file, table) for table in _TABLES.values()):
        return []
    columns = {name: _read_texts(file, table, n_rows) for name, table in _TABLES.items()}
    return [Origin(**dict(zip(columns, texts, strict=True))) for texts in zip(*columns.values(), strict=True)]


def _read_texts(file: h5py.File, name: str, n_rows: int) -> list[str]:
    table = read_table(file, name)
    if table.shape != (n_rows,) or table.dtype.kind != "S":
        raise ValueError(f"{name} of shape {table.shape} and type {table.dtype} for {n_rows} keys")
    return [text.decode("utf-8", "surrogateescape") for text in table.tolist()]


def _read_threshold(file: h5py.File) -> GalleryThreshold | None:
    if not has_name(file, "threshold"):
        return None
    content = json.loads(_read_texts(file, "threshold", 1)[0])
    kinds = get_type_hints(GalleryThreshold)
    values: dict[str, Any] = {name: content.get(name) if isinstance(content, dict) else None for name in kinds}
    for name, value in values.items():
        number = (int, float) if kinds[name] is float else kinds[name]
        if not isinstance(value, number) or isinstance(value, bool) or (kinds[name] is float and not isfinite(value)):
            raise ValueError(f"{name} {value!r} in the threshold")
    return GalleryThreshold(**values)
