"""Resumable, parallel conversion of one dataset into another.

A `Recipe` describes how the sequences are made, a `Destination` where they are written. `build_dataset` does the rest:
chunks, worker processes, resumption, and the report.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from numpy.typing import NDArray
from pydantic import BaseModel

from skelgait.display import Row, Tabular
from skelgait.errors import DataError, SkelgaitError
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.process_group import SINGLE, ProcessGroup
from skelgait.runtime.workers import in_workers
from skelgait.storage import Chunk, ChunkWriter, Key, Modality, SequenceInfo
from skelgait.storage.backends import Compression, file_name_of, find_backend
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, prepare_folder
from skelgait.storage.times import is_same_time

T = TypeVar("T")

# Settings that change how the work is done, but not its result.
_NOT_RECORDED = {"workers", "nproc", "device", "overwrite", "preview", "force", "max_megapixels"}


class Loaded(NamedTuple):
    """Input of one sequence.

    Attributes:
        content: data that the sequence is made from.
        length: number of frames of the sequence.
        frame_names: names of its frames; None: unknown.
    """

    content: Any
    length: int
    frame_names: Sequence[str] | None = None


class Output(NamedTuple):
    """One finished sequence.

    Attributes:
        array: frames of the sequence.
        counts: numbers for the report, by name.
        faults: faults of the input that did not prevent the output, each with the file and a hint.
        details: other facts for the report, by name.
    """

    array: NDArray[Any]
    counts: Mapping[str, int] = {}
    faults: Sequence[str] = ()
    details: Mapping[str, Any] = {}


class Recipe(ABC):
    """Description of how the sequences of a dataset are made; it is pickled and sent to every worker."""

    @property
    @abstractmethod
    def keys(self) -> Sequence[Key]:
        """Keys of the sequences to make, sorted."""

    @abstractmethod
    def modified_ns(self, key: Key) -> int:
        """Return the time at which the input of a sequence was last written, in nanoseconds since the epoch.

        Raises:
            DataError: if the input no longer exists.
        """

    @abstractmethod
    def read(self, key: Key) -> Loaded:
        """Read the input of a sequence.

        Raises:
            DataError: if the sequence cannot be made.
        """

    @abstractmethod
    def make(self, loaded: Loaded) -> Output:
        """Make a sequence.

        Raises:
            DataError: if the sequence cannot be made.
        """

    def mismatches(self, existing: Collection[Key], loaded: Mapping[Key, Loaded]) -> dict[Key, str]:
        """Return sequences that cannot be written together with the others of their chunk, with the reason.

        Args:
            existing: sequences of the chunk that are already written.
            loaded: sequences that are about to be made.
        """
        return {}


@dataclass(frozen=True)
class Destination:
    """Folder that a dataset is written to, and its format.

    Attributes:
        out: root of the pickle tree, or folder of the HDF5 store.
        modality: modality of the sequences.
        metadata: source and settings of the dataset.
        storage: name of the storage backend.
        compression: compression of frames in HDF5.
        file_name: function from a key to the file name in a pickle tree, without its suffix.
        hint: hint of the error about a folder that holds other sequences.
    """

    out: Path
    modality: Modality
    metadata: DatasetMetadata
    storage: str = "pkl"
    compression: Compression = "lz4hc"
    file_name: Callable[[Key], str] = file_name_of
    hint: str = "choose another folder"


@dataclass(frozen=True, repr=False)
class BuildReport(Tabular):
    """Result of writing a dataset.

    Attributes:
        made: counts of each sequence written in this run, among them its `frames`.
        skipped: number of sequences that already existed.
        failed: sequences that could not be made, each with the reason.
        seconds: time taken.
        removed: sequences that were removed, because the source no longer has them.
        stale: sequences that the source does not have, and that were kept because they may have another source.
        faults: faults of the input of sequences that were written.
        details: other facts about each sequence written in this run.
    """

    made: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)
    skipped: int = 0
    failed: tuple[tuple[Key, str], ...] = ()
    seconds: float = 0.0
    removed: tuple[Key, ...] = ()
    stale: tuple[Key, ...] = ()
    faults: tuple[str, ...] = ()
    details: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sequences(self) -> int:
        """Number of sequences written in this run."""
        return len(self.made)

    @property
    def totals(self) -> Counter[str]:
        """Sums of the counts over all sequences written in this run."""
        totals: Counter[str] = Counter()
        for counts in self.made.values():
            totals.update(counts)
        return totals

    def warnings(self) -> list[str]:
        """Return one sentence for each fault and failed sequence, and for the removed and the stale sequences."""
        sentences = list(self.faults)
        if self.removed:
            sentences.append(f"removed {_named(self.removed)}, because the source no longer has them")
        if self.stale:
            hint = "remove them, or write into another folder"
            sentences.append(f"found {_named(self.stale)} that the source does not have, and kept them; {hint}")
        return sentences + [f"{key}: {reason}" for key, reason in self.failed]

    def headline(self) -> str:
        """Return the numbers of sequences written, skipped and failed, and if there are any, removed and stale."""
        counts = {"removed": len(self.removed), "stale": len(self.stale)}
        more = "".join(f", {n} {outcome}" for outcome, n in counts.items() if n)
        return f"{self.sequences} sequences written, {self.skipped} skipped, {len(self.failed)} failed{more}"

    def rows(self) -> list[Row]:
        """Return one row for each sequence that was written, failed or removed, or is stale."""
        rows: list[Row] = [
            {"sequence": str(key), "outcome": "written", **n, **self.details.get(key, {})}
            for key, n in self.made.items()
        ]
        rows += [{"sequence": str(key), "outcome": "failed", "reason": reason} for key, reason in self.failed]
        rows += [{"sequence": str(key), "outcome": "removed"} for key in self.removed]
        return rows + [{"sequence": str(key), "outcome": "stale"} for key in self.stale]


def _named(keys: Sequence[Key]) -> str:
    """Return the number of sequences, and the names of the first ones."""
    first = ", ".join(map(str, keys[:3]))
    return f"{len(keys)} sequences ({first}{', ...' if len(keys) > 3 else ''})"


def recorded_settings(config: BaseModel) -> dict[str, Any]:
    """Return the settings that determine the content of a dataset, for its metadata.

    Args:
        config: settings section with a field `storage`.
    """
    unused = find_backend(getattr(config, "storage")).unused_settings  # noqa: B009 - sections have no common type
    return config.model_dump(mode="json", exclude=_NOT_RECORDED | unused)


def build_dataset(
    recipe: Recipe,
    destination: Destination,
    *,
    workers: int,
    overwrite: bool = False,
    group: ProcessGroup = SINGLE,
    advance: Advance | None = None,
) -> BuildReport:
    """Make all sequences of `recipe` and write them to `destination`.

    Existing sequences are skipped unless they are damaged, their input has changed, or `overwrite` is set. Sequences
    whose input no longer exists are removed; they are kept if they may have another source. Sequences that cannot be
    made are listed in the report. The written bytes depend neither on the number of processes nor on
    interruptions.

    Args:
        recipe: how to make the sequences.
        destination: folder and format.
        workers: number of worker processes of this process.
        overwrite: remove and rewrite existing sequences.
        group: processes that share the work; each of them calls this function and gets the full report.
        advance: called with the number of sequences that this process has finished.

    Raises:
        SettingsError: if the folder holds sequences made with other settings or from another source.
        DataError: if the folder cannot be written, or another run writes there. Sequences written before are kept.
    """
    start = time.perf_counter()
    advance = advance or no_progress
    out, modality, metadata = destination.out, destination.modality, destination.metadata
    writer = find_backend(destination.storage).writer(
        out, modality, metadata, compression=destination.compression, file_name=destination.file_name
    )
    with lock_folder(out, group):

        def prepare() -> tuple[list[Chunk], BuildReport]:
            is_ours = prepare_folder(out, metadata, modality, overwrite=overwrite, hint=destination.hint)
            others = tuple(writer.others(set(recipe.keys)))
            if is_ours:
                writer.remove(others)
            cleared = BuildReport(removed=others) if is_ours else BuildReport(stale=others)
            return writer.plan(recipe.keys), cleared

        chunks, cleared = _on_rank_zero(group, prepare)
        share = chunks[group.rank :: group.size]
        total = BuildReport()
        # Closed before the lock is released: until then, workers may write.
        with closing(in_workers(_Job(recipe, writer), share, workers)) as made:
            for chunk, report in zip(share, made, strict=True):
                total = _merge(total, report)
                advance(len(chunk.keys))
        reports = group.gather(total)
        _on_rank_zero(group, lambda: writer.finish(chunks))
    for other in (*reports[: group.rank], *reports[group.rank + 1 :]):
        total = _merge(total, other)
    failed, seconds = tuple(sorted(total.failed)), time.perf_counter() - start
    return replace(total, failed=failed, seconds=seconds, removed=cleared.removed, stale=cleared.stale)


def _on_rank_zero(group: ProcessGroup, task: Callable[[], T]) -> T:
    """Run a task on rank 0 while the others wait; return its result, or raise its error, on all ranks."""
    result: T | None = None
    error: SkelgaitError | None = None
    if group.rank == 0:
        try:
            result = task()
        except SkelgaitError as raised:
            error = raised
    result, error = group.gather((result, error))[0]
    if error is not None:
        raise error
    return cast("T", result)


class _MakeError(Exception):
    """Failure of `Recipe.make` for the sequence `key`; its cause is the error."""

    def __init__(self, key: Key) -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True)
class _Job:
    """Work of a worker process: make and write one chunk."""

    recipe: Recipe
    writer: ChunkWriter

    def __call__(self, chunk: Chunk) -> BuildReport:
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
            yield output.array


def _merge(first: BuildReport, second: BuildReport) -> BuildReport:
    return BuildReport(
        {**first.made, **second.made},
        first.skipped + second.skipped,
        first.failed + second.failed,
        faults=first.faults + second.faults,
        details={**first.details, **second.details},
    )
