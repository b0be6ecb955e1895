"""From a pickle tree to an HDF5 store and back, without loss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.workers import in_workers
from skelgait.storage import Key, SequenceSource
from skelgait.storage.note import read_note, write_note
from skelgait.storage.parts import Compression
from skelgait.storage.pieces import Piece, PieceWriter, cut_into_pieces, open_pieces


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

    What is in `out` already, whole and younger than in `source`, is not written again.

    Args:
        source: poses, maps or silhouettes.
        out: root of the pickle tree, or folder of the HDF5 parts.
        storage: which of the two.
        compression: how frames are packed in HDF5.
        workers: processes; one a core where None.
        advance: told how many sequences have been dealt with since the last call.

    Raises:
        SettingsError: `source` holds pairs, or lies in `out`.
        DataError: `out` cannot be written; what was written before stays.
    """
    start = time.perf_counter()
    if len(source.modalities) > 1:
        mend = "convert maps and silhouettes apart, and link them with --storage hdf5"
        raise SettingsError(source.path, "pairs", "poses, maps or silhouettes", mend)
    if out.exists() and source.path.samefile(out):
        raise SettingsError(out, "the source itself", "another folder", "name another folder")
    note = read_note(source.path)
    settings = dict(note.settings) if note else {}
    settings |= {name: value for name, value in {"storage": storage, "compression": compression}.items() if note}
    writer = open_pieces(
        out,
        storage,
        source.modalities[0],
        source=note.source if note else str(source.path),
        settings=settings,
        compression=compression,
        name=source.name,
    )
    if note:
        write_note(out, note._replace(settings=settings))
    pieces = cut_into_pieces(source.keys)
    done = ConvertReport()
    reports = in_workers(_Job(source, writer), pieces, workers or usable_cores())
    for piece, report in zip(pieces, reports, strict=True):
        done = ConvertReport(
            done.sequences + report.sequences, done.skipped + report.skipped, done.failed + report.failed
        )
        advance(len(piece[1]))
    writer.finish(len(pieces))
    return ConvertReport(done.sequences, done.skipped, done.failed, time.perf_counter() - start)


class _UnreadableError(DataError):
    """A sequence that turned out to be unreadable while its piece was written."""


@dataclass(frozen=True)
class _Job:
    """Converts pieces; what every worker needs."""

    source: SequenceSource
    out: PieceWriter

    def __call__(self, piece: Piece) -> ConvertReport:
        there, lengths, failed = self._look(piece)
        while True:
            reading = list[Key]()
            try:
                self.out.write(piece, lengths, self._read(lengths, reading))
                return ConvertReport(len(lengths), len(there), tuple(failed))
            except DataError as error:
                # A part is written whole or not at all: once more, without the sequence that does not fit.
                if not isinstance(error, _UnreadableError) and error.where != str(reading[-1] if reading else ""):
                    raise
                failed.append((reading[-1], str(error)))
                del lengths[reading[-1]]

    def _look(self, piece: Piece) -> tuple[set[Key], dict[Key, int], list[tuple[Key, str]]]:
        """What is there already, the lengths of the other sequences, and what is wrong with some."""
        written = self.out.finished(piece)
        there, lengths, failed = set(), {}, []
        for key in piece[1]:
            try:
                if written.get(key, 0.0) >= self.source.modified(key):
                    there.add(key)
                else:
                    lengths[key] = self.source.length(key)
            except DataError as error:
                failed.append((key, str(error)))
        return there, lengths, failed

    def _read(self, lengths: Mapping[Key, int], reading: list[Key]) -> Iterable[NDArray[Any]]:
        for key in lengths:
            reading.append(key)
            try:
                yield self.source.read(key)[0]
            except DataError as error:
                raise _UnreadableError(*error.args) from error
