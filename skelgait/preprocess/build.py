"""A dataset built out of another one, a chunk after the other, by as many processes as there are."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar, cast

from numpy.typing import NDArray

from skelgait.errors import DataError, SkelgaitError
from skelgait.runtime.process_group import SINGLE, ProcessGroup
from skelgait.runtime.workers import in_workers
from skelgait.storage import Key, Modality
from skelgait.storage.chunks import Chunk, ChunkWriter, Entry, open_writer, view_of
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, check_and_write
from skelgait.storage.shards import Compression

T = TypeVar("T")


class Loaded(NamedTuple):
    """A sequence that has been read, and can be made.

    Attributes:
        content: what it is made of.
        length: its number of frames, at least one.
        frame_names: their names, where they are known.
    """

    content: Any
    length: int
    frame_names: Sequence[str] | None = None


class Output(NamedTuple):
    """A sequence that has been made.

    Attributes:
        array: its frames.
        counts: what there was to count, by name.
    """

    array: NDArray[Any]
    counts: Mapping[str, int] = {}


class Recipe(Protocol):
    """How the sequences of a dataset are made; can be pickled, as every worker gets it."""

    @property
    def keys(self) -> Sequence[Key]:
        """The sequences that there are to make, sorted."""
        ...

    def modified_ns(self, key: Key) -> int:
        """When what a sequence is made of was last written, in nanoseconds since the epoch.

        Raises:
            DataError: it is gone.
        """
        ...

    def read(self, key: Key) -> Loaded:
        """Read what a sequence is made of.

        Raises:
            DataError: it cannot be made.
        """
        ...

    def make(self, loaded: Loaded) -> Output:
        """Make a sequence."""
        ...


@dataclass(frozen=True)
class Destination:
    """Where a dataset is built, and what it says of itself.

    Attributes:
        out: root of the pickle tree, or folder of the HDF5 parts.
        modality: what its sequences are.
        metadata: of what and how it is made.
        storage: pickle tree or HDF5 parts.
        compression: how frames are packed in HDF5.
        name: from a sequence to the name of its file in a tree, without the ending.
        flag: the flag that names `out`.
    """

    out: Path
    modality: Modality
    metadata: DatasetMetadata
    storage: Literal["pkl", "hdf5"] = "pkl"
    compression: Compression = "lz4hc"
    name: Callable[[Key], str] = view_of
    flag: str = "--out"


@dataclass(frozen=True)
class BuildReport:
    """What became of a dataset.

    Attributes:
        made: what there was to count in each sequence made in this run, its `frames` among it.
        skipped: sequences that were there already.
        failed: sequences that could not be made, each with the reason.
        seconds: time taken.
    """

    made: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)
    skipped: int = 0
    failed: tuple[tuple[Key, str], ...] = ()
    seconds: float = 0.0

    @property
    def totals(self) -> Counter[str]:
        """The counts of all sequences made, summed up."""
        total: Counter[str] = Counter()
        for counts in self.made.values():
            total.update(counts)
        return total


def build_dataset(
    recipe: Recipe,
    destination: Destination,
    *,
    workers: int,
    overwrite: bool = False,
    advance: Callable[[int], None] = lambda _: None,
    group: ProcessGroup = SINGLE,
) -> BuildReport:
    """Make every sequence of `recipe` into `destination`.

    Sequences that are there already, whole and of their source as it is, are skipped unless `overwrite`; those that
    cannot be made are named in the report. The bytes that come out depend neither on the number of processes nor on how
    often the work was interrupted.

    Args:
        recipe: how to make them.
        destination: where to.
        workers: processes of this process's own that share its work.
        overwrite: make again what is there already.
        advance: told how many sequences this process has dealt with since the last call.
        group: the processes that share the work; each of them makes this call, and gets the report of all.

    Raises:
        SettingsError: there are sequences made otherwise, or of something else.
        DataError: nothing can be written there, or another run writes there; what was written before stays.
    """
    start = time.perf_counter()
    writer = open_writer(
        destination.out,
        destination.storage,
        destination.modality,
        source=destination.metadata.source,
        settings=destination.metadata.settings,
        compression=destination.compression,
        name=destination.name,
    )
    with ExitStack() as lock:

        def begin() -> list[Chunk]:
            lock.enter_context(lock_folder(destination.out))
            hint = f"name another folder with {destination.flag}, or use --overwrite"
            check_and_write(destination.out, destination.metadata, destination.modality, overwrite=overwrite, hint=hint)
            return writer.plan(recipe.keys)

        chunks = _by_the_first(group, begin)
        own = chunks[group.rank :: group.size]
        done = BuildReport()
        for chunk, report in zip(own, in_workers(_Job(recipe, writer), own, workers), strict=True):
            done = _sum(done, report)
            advance(len(chunk[1]))
        reports = group.gather(done)
        _by_the_first(group, lambda: writer.finish(chunks))
    for other in (*reports[: group.rank], *reports[group.rank + 1 :]):
        done = _sum(done, other)
    return replace(done, failed=tuple(sorted(done.failed)), seconds=time.perf_counter() - start)


def _by_the_first(group: ProcessGroup, task: Callable[[], T]) -> T:
    """Let the first process do a task while the others wait; its result, and its error, are everybody's."""
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


@dataclass(frozen=True)
class _Job:
    """Makes chunks; what every worker needs."""

    recipe: Recipe
    out: ChunkWriter

    def __call__(self, chunk: Chunk) -> BuildReport:
        there = self._there(chunk)
        loaded, entries, failed = self._read([key for key in chunk[1] if key not in there])
        counts: dict[Key, Mapping[str, int]] = {}
        self.out.write(chunk, entries, self._make(loaded, counts))
        return BuildReport(counts, len(there), failed)

    def _there(self, chunk: Chunk) -> set[Key]:
        """The sequences that are there, whole, and as of their source of today."""
        there = set()
        for key, date_ns in self.out.finished(chunk).items():
            try:
                if date_ns >= self.recipe.modified_ns(key):
                    there.add(key)
            except DataError:  # told when it is read
                continue
        return there

    def _read(self, keys: Iterable[Key]) -> tuple[dict[Key, Loaded], dict[Key, Entry], tuple[tuple[Key, str], ...]]:
        """What sequences are made of, what is to be written of each, and what is wrong with the others."""
        loaded, entries, failed = {}, {}, []
        for key in keys:
            try:
                # The date before reading: what changes from here on will be made again.
                date_ns = self.recipe.modified_ns(key)
                read = self.recipe.read(key)
            except DataError as error:
                failed.append((key, str(error)))
                continue
            loaded[key], entries[key] = read, Entry(read.length, date_ns, read.frame_names)
        return loaded, entries, tuple(failed)

    def _make(self, loaded: Mapping[Key, Loaded], counts: dict[Key, Mapping[str, int]]) -> Iterable[NDArray[Any]]:
        """Sequences, one after the other; what there was to count goes into `counts`."""
        for key, one in loaded.items():
            made = self.recipe.make(one)
            counts[key] = {"frames": len(made.array), **made.counts}
            yield made.array


def _sum(first: BuildReport, second: BuildReport) -> BuildReport:
    return BuildReport({**first.made, **second.made}, first.skipped + second.skipped, first.failed + second.failed)
