"""A dataset built out of another one, a piece after the other, by as many processes as there are."""

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
from skelgait.runtime.process_group import ALONE, Team
from skelgait.runtime.workers import in_workers
from skelgait.storage import Key, Modality
from skelgait.storage.chunks import Entry, Piece, PieceWriter, open_pieces, view_of
from skelgait.storage.lock import only_writer
from skelgait.storage.metadata import Note, claim
from skelgait.storage.shards import Compression

T = TypeVar("T")


class Prepared(NamedTuple):
    """A sequence that has been read, and can be made.

    Attributes:
        content: what it is made of.
        length: its number of frames, at least one.
        frame_names: their names, where they are known.
    """

    content: Any
    length: int
    frame_names: Sequence[str] | None = None


class Made(NamedTuple):
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

    def read(self, key: Key) -> Prepared:
        """Read what a sequence is made of.

        Raises:
            DataError: it cannot be made.
        """
        ...

    def make(self, prepared: Prepared) -> Made:
        """Make a sequence."""
        ...


@dataclass(frozen=True)
class Target:
    """Where a dataset is built, and what it says of itself.

    Attributes:
        out: root of the pickle tree, or folder of the HDF5 parts.
        modality: what its sequences are.
        note: of what and how it is made.
        storage: pickle tree or HDF5 parts.
        compression: how frames are packed in HDF5.
        name: from a sequence to the name of its file in a tree, without the ending.
        flag: the flag that names `out`.
    """

    out: Path
    modality: Modality
    note: Note
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
    target: Target,
    *,
    workers: int,
    overwrite: bool = False,
    advance: Callable[[int], None] = lambda _: None,
    team: Team = ALONE,
) -> BuildReport:
    """Make every sequence of `recipe` into `target`.

    Sequences that are there already, whole and of their source as it is, are skipped unless `overwrite`; those that
    cannot be made are named in the report. The bytes that come out depend neither on the number of processes nor on how
    often the work was interrupted.

    Args:
        recipe: how to make them.
        target: where to.
        workers: processes of this process's own that share its work.
        overwrite: make again what is there already.
        advance: told how many sequences this process has dealt with since the last call.
        team: the processes that share the work; each of them makes this call, and gets the report of all.

    Raises:
        SettingsError: there are sequences made otherwise, or of something else.
        DataError: nothing can be written there, or another run writes there; what was written before stays.
    """
    start = time.perf_counter()
    writer = open_pieces(
        target.out,
        target.storage,
        target.modality,
        source=target.note.source,
        settings=target.note.settings,
        compression=target.compression,
        name=target.name,
    )
    with ExitStack() as lock:

        def begin() -> list[Piece]:
            lock.enter_context(only_writer(target.out))
            mend = f"name another folder with {target.flag}, or use --overwrite"
            claim(target.out, target.note, target.modality, overwrite=overwrite, mend=mend)
            return writer.plan(recipe.keys)

        pieces = _by_the_first(team, begin)
        own = pieces[team.rank :: team.size]
        done = BuildReport()
        for piece, report in zip(own, in_workers(_Job(recipe, writer), own, workers), strict=True):
            done = _sum(done, report)
            advance(len(piece[1]))
        reports = team.gather(done)
        _by_the_first(team, lambda: writer.finish(pieces))
    for other in (*reports[: team.rank], *reports[team.rank + 1 :]):
        done = _sum(done, other)
    return replace(done, failed=tuple(sorted(done.failed)), seconds=time.perf_counter() - start)


def _by_the_first(team: Team, task: Callable[[], T]) -> T:
    """Let the first process do a task while the others wait; its result, and its error, are everybody's."""
    result: T | None = None
    error: SkelgaitError | None = None
    if team.rank == 0:
        try:
            result = task()
        except SkelgaitError as raised:
            error = raised
    result, error = team.gather((result, error))[0]
    if error is not None:
        raise error
    return cast("T", result)


@dataclass(frozen=True)
class _Job:
    """Makes pieces; what every worker needs."""

    recipe: Recipe
    out: PieceWriter

    def __call__(self, piece: Piece) -> BuildReport:
        there = self._there(piece)
        prepared, entries, failed = self._read([key for key in piece[1] if key not in there])
        counts: dict[Key, Mapping[str, int]] = {}
        self.out.write(piece, entries, self._make(prepared, counts))
        return BuildReport(counts, len(there), failed)

    def _there(self, piece: Piece) -> set[Key]:
        """The sequences that are there, whole, and as of their source of today."""
        there = set()
        for key, date_ns in self.out.finished(piece).items():
            try:
                if date_ns >= self.recipe.modified_ns(key):
                    there.add(key)
            except DataError:  # told when it is read
                continue
        return there

    def _read(self, keys: Iterable[Key]) -> tuple[dict[Key, Prepared], dict[Key, Entry], tuple[tuple[Key, str], ...]]:
        """What sequences are made of, what is to be written of each, and what is wrong with the others."""
        prepared, entries, failed = {}, {}, []
        for key in keys:
            try:
                # The date before reading: what changes from here on will be made again.
                date_ns = self.recipe.modified_ns(key)
                read = self.recipe.read(key)
            except DataError as error:
                failed.append((key, str(error)))
                continue
            prepared[key], entries[key] = read, Entry(read.length, date_ns, read.frame_names)
        return prepared, entries, tuple(failed)

    def _make(self, prepared: Mapping[Key, Prepared], counts: dict[Key, Mapping[str, int]]) -> Iterable[NDArray[Any]]:
        """Sequences, one after the other; what there was to count goes into `counts`."""
        for key, one in prepared.items():
            made = self.recipe.make(one)
            counts[key] = {"frames": len(made.array), **made.counts}
            yield made.array


def _sum(first: BuildReport, second: BuildReport) -> BuildReport:
    return BuildReport({**first.made, **second.made}, first.skipped + second.skipped, first.failed + second.failed)
