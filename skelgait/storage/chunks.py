"""Chunks of a dataset: the units in which several processes write it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skelgait.storage.source import Key

_CHUNKS = 64
_LARGEST_CHUNK = 512


class Chunk(NamedTuple):
    """Sequences that one process writes together.

    Attributes:
        number: number of the chunk in the dataset, counted from 0.
        keys: keys of the sequences, sorted.
    """

    number: int
    keys: Sequence[Key]


class SequenceInfo(NamedTuple):
    """Properties of a sequence that is about to be written.

    Attributes:
        length: number of frames.
        modified_ns: time at which its source was last written, in nanoseconds since the epoch.
        frame_names: names of the frames; None: unknown.
    """

    length: int
    modified_ns: int
    frame_names: Sequence[str] | None = None


class ChunkWriter(ABC):
    """Writer of a dataset, one chunk at a time; it is pickled and sent to worker processes.

    The modification time of the source is kept with every sequence, so that a change of the source is noticed.
    """

    def plan(self, keys: Sequence[Key]) -> list[Chunk]:
        """Split a dataset into chunks. The same keys always give the same chunks.

        Raises:
            DataError: if the folder holds another modality.
        """
        return split_into_chunks(keys)

    @abstractmethod
    def finished(self, chunk: Chunk) -> dict[Key, int]:
        """Return the sequences of a chunk that are already written and undamaged.

        Returns:
            The `SequenceInfo.modified_ns` with which each sequence was written.
        """

    @abstractmethod
    def write(self, chunk: Chunk, sequences: Mapping[Key, SequenceInfo], arrays: Iterable[NDArray[Any]]) -> None:
        """Write some sequences of a chunk; all other finished sequences are kept.

        Args:
            chunk: chunk to write to.
            sequences: sequences to write, in the order of the chunk's keys.
            arrays: one array for each sequence, in the same order. They are made while they are consumed, and may
                raise an error.

        Raises:
            DataError: if the sequences cannot be written. Sequences written before are kept.
        """

    @abstractmethod
    def others(self, keys: Collection[Key]) -> list[Key]:
        """Return the written sequences that are not among `keys`, sorted."""

    @abstractmethod
    def remove(self, keys: Collection[Key]) -> None:
        """Remove written sequences.

        Raises:
            DataError: if a file cannot be removed.
        """

    def finish(self, chunks: Sequence[Chunk]) -> None:  # noqa: B027 - most formats have nothing to clean up
        """Clean up after all chunks are written; called once, by one process."""


def split_into_chunks(keys: Sequence[Key]) -> list[Chunk]:
    """Split sorted keys into about 64 chunks of at most 512 keys. The result depends on the number of keys alone."""
    size = max(1, min(len(keys) // _CHUNKS, _LARGEST_CHUNK))
    return [Chunk(start // size, keys[start : start + size]) for start in range(0, len(keys), size)]
