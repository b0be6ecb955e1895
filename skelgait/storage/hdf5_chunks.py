"""Writing a dataset into HDF5 shards, one for each chunk."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.storage.atomic import remove_file
from skelgait.storage.backends import Compression
from skelgait.storage.chunks import Chunk, ChunkWriter, SequenceInfo, split_into_chunks
from skelgait.storage.hdf5_store import Hdf5Store, read_shard_index, shard_files, shard_modality
from skelgait.storage.metadata import DatasetMetadata
from skelgait.storage.shards import ShardIndex, write_shard
from skelgait.storage.source import Key, Modality


@dataclass(frozen=True)
class Hdf5ChunkWriter(ChunkWriter):
    """Writer of HDF5 shards.

    Attributes:
        out: folder of the shards.
        modality: modality of the sequences.
        metadata: source and settings, stored in every shard.
        compression: compression of the frames.
        file_name: function from a key to the file name in a pickle tree, without its suffix.
    """

    out: Path
    modality: Modality
    metadata: DatasetMetadata
    compression: Compression
    file_name: Callable[[Key], str]

    def plan(self, keys: Sequence[Key]) -> list[Chunk]:
        """Split a dataset into chunks; sequences that are already in a shard stay there.

        Raises:
            DataError: if a shard holds another modality.
        """
        existing = {shard: self._keys_in(shard) for shard in shard_files(self.out)}
        chunks = split_into_chunks(keys)
        planned = {self._shard(chunk.number): set(chunk.keys) for chunk in chunks}
        if all(shard_keys <= planned.get(shard, set()) for shard, shard_keys in existing.items()):
            return chunks
        # The dataset has changed: keep its shards, and write new sequences into further shards.
        numbers = {shard: int(shard.stem.split("-")[1]) for shard in existing}
        wanted = {shard: shard_keys & set(keys) for shard, shard_keys in existing.items()}
        old_chunks = [Chunk(numbers[shard], sorted(shard_keys)) for shard, shard_keys in wanted.items() if shard_keys]
        written = {key for shard_keys in existing.values() for key in shard_keys}
        first = max(numbers.values()) + 1
        new_chunks = split_into_chunks([key for key in keys if key not in written])
        return [*old_chunks, *(Chunk(first + chunk.number, chunk.keys) for chunk in new_chunks)]

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        """See `ChunkWriter.finished`."""
        shard = self._shard(chunk.number)
        existing = set(chunk.keys) & self._keys_in(shard)
        store = Hdf5Store(shard, self.modality) if existing else None
        return {key: store.modified_ns(key) for key in existing} if store else {}

    def write(self, chunk: Chunk, sequences: Mapping[Key, SequenceInfo], arrays: Iterable[NDArray[Any]]) -> None:
        """See `ChunkWriter.write`; the shard is written again, with the sequences that it already has."""
        shard = self._shard(chunk.number)
        if sequences:
            self._write_shard(shard, self._keys_in(shard) - set(sequences), sequences, arrays)

    def _write_shard(
        self,
        shard: Path,
        existing: Collection[Key],
        sequences: Mapping[Key, SequenceInfo],
        arrays: Iterable[NDArray[Any]],
    ) -> None:
        """Write a shard with some of its existing sequences, and with new ones."""
        store = Hdf5Store(shard, self.modality) if existing else None
        infos = dict(sequences)
        if store:
            infos |= {
                key: SequenceInfo(store.length(key), store.modified_ns(key), store.frame_names(key)) for key in existing
            }
        keys, new_arrays = sorted(infos), iter(arrays)
        times = [infos[key].modified_ns for key in keys]
        write_shard(
            shard,
            ShardIndex(
                keys,
                [0, *accumulate(infos[key].length for key in keys)],
                [store.name(key) if store and key in existing else self.file_name(key) for key in keys],
                [infos[key].frame_names for key in keys],
                times,
            ),
            (store.read(key)[0] if store and key in existing else next(new_arrays) for key in keys),
            self.modality,
            source=self.metadata.source,
            settings=self.metadata.settings,
            compression=self.compression,
            modified_ns=max(times),
        )

    def others(self, keys: Collection[Key]) -> list[Key]:
        """See `ChunkWriter.others`."""
        return sorted({key for shard in shard_files(self.out) for key in self._keys_in(shard)} - set(keys))

    def remove(self, keys: Collection[Key]) -> None:
        """See `ChunkWriter.remove`; shards that lose a sequence are written again, and empty ones removed."""
        for shard in shard_files(self.out):
            existing = self._keys_in(shard)
            rest = existing.difference(keys)
            if existing and not rest:
                remove_file(shard)
            elif rest != existing:
                self._write_shard(shard, rest, {}, ())

    def finish(self, chunks: Sequence[Chunk]) -> None:
        """Remove damaged shards that hold no sequence of the dataset."""
        used = {self._shard(chunk.number) for chunk in chunks}
        for shard in shard_files(self.out):
            if shard not in used and not self._keys_in(shard):
                remove_file(shard)

    def _shard(self, number: int) -> Path:
        return self.out / f"shard-{number:05d}.h5"

    def _keys_in(self, shard: Path) -> set[Key]:
        if not shard.is_file():
            return set()
        try:
            modality = shard_modality(shard)
            if modality == self.modality:
                return set(read_shard_index(shard, modality).keys)
        except DataError:  # damaged shards are written again
            return set()
        raise DataError(shard, f"a store of {modality}s", f"a store of {self.modality}s", "choose another folder")


def remove_shards(out: Path) -> None:
    """Remove all shards in a folder.

    Raises:
        DataError: if a file cannot be removed.
    """
    for shard in shard_files(out):
        remove_file(shard)
