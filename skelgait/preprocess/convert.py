"""From a pickle tree to an HDF5 store and back, without loss."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.workers import in_workers
from skelgait.storage import Key, SequenceSource
from skelgait.storage.chunks import Chunk, ChunkWriter, Entry, open_writer
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, check_and_write, read_metadata
from skelgait.storage.shards import Compression


@dataclass(frozen=True)
class ConvertReport:
    """What became of a store.

    Attributes:
        sequences: sequences converted in this run.
        skipped: sequences that were there already.
        failed: sequences that could not be read or do not fit to the others, each with the reason.
        seconds: time taken.
    """

    sequences: int = 0
    skipped: int = 0
    failed: tuple[tuple[Key, str], ...] = field(default=())
    seconds: float = 0.0


def convert_store(
    source: SequenceSource,
    out: Path,
    storage: Literal["pkl", "hdf5"],
    *,
    compression: Compression = "lz4hc",
    workers: int | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> ConvertReport:
    """Write every sequence of `source` into `out`, in the other storage; arrays, types and file names stay.

    What is in `out` already, whole and of `source` as it is, is not written again.

    Args:
        source: poses, maps or silhouettes.
        out: root of the pickle tree, or folder of the HDF5 parts.
        storage: which of the two.
        compression: how frames are packed in HDF5.
        workers: processes; one a core where None.
        advance: told how many sequences have been dealt with since the last call.

    Raises:
        SettingsError: `source` holds pairs, or `out` is `source` or holds other sequences.
        DataError: `out` cannot be written; what was written before stays.
    """
    start = time.perf_counter()
    if len(source.modalities) > 1:
        hint = "convert maps and silhouettes apart, and link them with --storage hdf5"
        raise SettingsError(source.path, "pairs", "poses, maps or silhouettes", hint)
    if out.resolve() == source.path.resolve():
        raise SettingsError(out, "the source itself", "another folder", "name another folder")
    metadata = _metadata(source, storage, compression)
    writer = open_writer(
        out,
        storage,
        source.modalities[0],
        source=metadata.source,
        settings=metadata.settings,
        compression=compression,
        name=source.name,
    )
    done = ConvertReport()
    with lock_folder(out):
        check_and_write(out, metadata, source.modalities[0], overwrite=False, hint="name another folder")
        chunks = writer.plan(source.keys)
        reports = in_workers(_Job(source, writer), chunks, workers or usable_cores())
        for chunk, report in zip(chunks, reports, strict=True):
            done = ConvertReport(
                done.sequences + report.sequences, done.skipped + report.skipped, done.failed + report.failed
            )
            advance(len(chunk[1]))
        writer.finish(chunks)
    return replace(done, seconds=time.perf_counter() - start)


def _metadata(source: SequenceSource, storage: str, compression: str) -> DatasetMetadata:
    """What the sequences were made of, and how: as the source's own metadata says, or of the source."""
    before = read_metadata(source.path)
    settings = {**(before.settings if before else {}), "storage": storage}
    settings.pop("compression", None)
    if storage == "hdf5":
        settings["compression"] = compression
    if before is None:
        return DatasetMetadata(str(source.path.resolve()), settings)
    return DatasetMetadata(before.source, settings, facts=before.facts)


@dataclass(frozen=True)
class _Job:
    """Converts chunks; what every worker needs."""

    source: SequenceSource
    out: ChunkWriter

    def __call__(self, chunk: Chunk) -> ConvertReport:
        there, entries, failed = self._look(chunk)
        while True:
            reading: list[Key] = []
            try:
                self.out.write(chunk, entries, self._read(entries, reading))
                return ConvertReport(len(entries), len(there), tuple(failed))
            except _UnreadableError as error:
                # A part is written whole or not at all: once more, without the sequence that cannot be read after all.
                failed.append((reading[-1], str(error)))
                del entries[reading[-1]]

    def _look(self, chunk: Chunk) -> tuple[set[Key], dict[Key, Entry], list[tuple[Key, str]]]:
        """What is there already, what is to be written, and what is wrong with other sequences."""
        written = self.out.finished(chunk)
        there, entries, types, failed = set(), {}, {}, []
        for key in chunk[1]:
            try:
                date_ns, header = self.source.modified_ns(key), self.source.header(key)
                entry = Entry(len(header), date_ns, self.source.frame_names(key))
            except DataError as error:
                failed.append((key, str(error)))
                continue
            types[key] = (header.shape[1:], str(header.dtype))
            if written.get(key, -1) >= date_ns:
                there.add(key)
            else:
                entries[key] = entry
        # In a part all frames are alike: as those that are there, or as most.
        usual = Counter(types[key] for key in (there or entries)).most_common(1)
        for key in [key for key in entries if types[key] != usual[0][0]]:
            del entries[key]
            found, expected = (f"frames {shape} of {dtype}" for shape, dtype in (types[key], usual[0][0]))
            hint = "keep sequences of different frames in trees of their own"
            failed.append((key, str(ShapeError(self.source.path, found, expected, hint))))
        return there, entries, failed

    def _read(self, entries: Mapping[Key, Entry], reading: list[Key]) -> Iterable[NDArray[Any]]:
        for key in entries:
            reading.append(key)
            try:
                yield self.source.read(key)[0]
            except DataError as error:
                raise _UnreadableError(*error.args) from error


class _UnreadableError(DataError):
    """A sequence that turned out to be unreadable while its chunk was written."""
