"""Work of one worker process: make the sequences of a chunk and write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from skelgait.errors import DataError
from skelgait.preprocess.build_journal import Journal
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.recipe import Loaded, Output, Recipe
from skelgait.storage import Chunk, ChunkWriter, Key, SequenceInfo
from skelgait.storage.names import check_frame_names
from skelgait.storage.times import is_same_time


class _MakeError(Exception):
    """Failure of `Recipe.make` for the sequence `key`; its cause is the error."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class ChunkJob:
    """Function from a chunk to the report of making and writing it; it is pickled and sent to every worker.

    Attributes:
        recipe: how the sequences are made.
        writer: where they are written.
        journal: journal of the sequences; None: none.
    """

    recipe: Recipe
    writer: ChunkWriter
    journal: Journal | None = None

    def __call__(self, chunk: Chunk) -> BuildReport:
        """Make and write the sequences of a chunk that are missing, damaged or older than their input."""
        existing = self._existing(chunk)
        loaded, infos, failed = self._load([key for key in chunk.keys if key not in existing])
        for key, reason in self.recipe.mismatches(existing, loaded).items():
            failed.append((key, reason))
            del loaded[key], infos[key]
        while True:
            made: dict[Key, Output] = {}
            try:
                self.writer.write(chunk, infos, self._make(loaded, made))
                return BuildReport(
                    {key: output.counts for key, output in made.items()},
                    len(existing),
                    tuple(failed),
                    faults=tuple(fault for output in made.values() for fault in output.faults),
                    details={key: output.details for key, output in made.items()},
                )
            except _MakeError as error:
                # A shard is written atomically: write the chunk again without this sequence.
                failed.append((error.key, str(error.__cause__)))
                del loaded[error.key], infos[error.key]

    def _existing(self, chunk: Chunk) -> set[Key]:
        """Return the sequences of a chunk that are finished, and whose input has not changed since."""
        existing = set()
        for key, written_ns in self.writer.finished(chunk).items():
            try:
                if is_same_time(written_ns, self.recipe.modified_ns(key)):
                    existing.add(key)
            except DataError:  # reported when the sequence is read
                continue
        return existing

    def _load(self, keys: Iterable[Key]) -> tuple[dict[Key, Loaded], dict[Key, SequenceInfo], list[tuple[Key, str]]]:
        """Read the input of sequences; return it with the properties of the sequences, and the failures."""
        loaded, infos, failed = {}, {}, []
        for key in keys:
            try:
                # Read the time first: a later change of the input is then noticed by the next run.
                modified_ns = self.recipe.modified_ns(key)
                loaded_sequence = self.recipe.read(key)
                check_frame_names(loaded_sequence.frame_names, str(key))
            except DataError as error:
                failed.append((key, str(error)))
                continue
            loaded[key] = loaded_sequence
            infos[key] = SequenceInfo(loaded_sequence.length, modified_ns, loaded_sequence.frame_names)
        return loaded, infos, failed

    def _make(self, loaded: Mapping[Key, Loaded], made: dict[Key, Output]) -> Iterable[NDArray[Any]]:
        """Yield the finished sequences; add their reports, without the frames, to `made`."""
        for key, loaded_sequence in loaded.items():
            try:
                output = self.recipe.make(loaded_sequence)
            except DataError as error:
                raise _MakeError(key) from error
            counts = {"frames": len(output.array), **output.counts}
            made[key] = output._replace(array=output.array[:0], counts=counts)
            if self.journal is not None:
                self.journal.add(key, made[key])
            yield output.array
