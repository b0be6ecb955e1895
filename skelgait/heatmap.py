"""Skeleton maps of a whole pose dataset, a piece after the other, by as many processes as there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, SkelgaitError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.team import ALONE, Team, processes_on_this_machine
from skelgait.runtime.workers import in_workers
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.lock import only_writer
from skelgait.storage.note import Note, claim
from skelgait.storage.pieces import Entry, Piece, PieceWriter, open_pieces

T = TypeVar("T")

# Settings that say how the work is done, and nothing of what comes out.
_HOW = {"workers", "nproc", "device", "overwrite", "preview"}
# Settings of the storage and not of the drawing.
_STORED = {"storage", "compression"}


@dataclass(frozen=True)
class HeatmapReport:
    """What became of a pose dataset.

    Attributes:
        sequences: sequences drawn in this run.
        frames: frames drawn in this run.
        filled_joints: joints whose missing coordinates were filled.
        empty_maps: frames without a body to draw, whose maps are empty.
        skipped: sequences that were there already.
        failed: sequences that could not be read, each with the reason.
        seconds: time taken.
    """

    sequences: int = 0
    frames: int = 0
    filled_joints: int = 0
    empty_maps: int = 0
    skipped: int = 0
    failed: tuple[tuple[Key, str], ...] = field(default=())
    seconds: float = 0.0


def draw_dataset(
    poses: SequenceSource,
    out: Path,
    settings: HeatmapSettings,
    advance: Callable[[int], None] = lambda _: None,
    team: Team = ALONE,
) -> HeatmapReport:
    """Draw the skeleton maps of every sequence in `poses` into `out`.

    Sequences that are in `out` already, whole and of the poses as they are, are skipped unless `settings.overwrite`;
    those that cannot be read are named in the report. The bytes that come out depend neither on the number of processes
    nor on how often the work was interrupted.

    Args:
        poses: the pose sequences.
        out: folder of the maps, a pickle tree or HDF5 parts by `settings.storage`.
        settings: how to draw and write.
        advance: told how many sequences this process has dealt with since the last call.
        team: the processes that share the work; each of them makes this call, and gets the report of all.

    Raises:
        SettingsError: `out` holds maps drawn with other settings or of other poses, or is the folder of the poses; or
            there is no such device.
        DataError: `out` cannot be written, or another run writes there; what was written before stays.
    """
    start = time.perf_counter()
    settings = _with_device(settings)
    note = Note(str(poses.path.resolve()), settings.model_dump(mode="json", exclude=_HOW | _unused(settings)))
    writer = open_pieces(
        out,
        settings.storage,
        "map",
        source=note.source,
        settings=note.settings,
        compression=settings.compression,
    )
    with ExitStack() as lock:

        def begin() -> list[Piece]:
            if out.resolve() == poses.path.resolve():
                raise SettingsError(out, "the folder of the poses", "another one", "name another folder with --maps")
            lock.enter_context(only_writer(out))
            mend = "name another folder with --maps, or use --overwrite"
            claim(out, note, "map", overwrite=settings.overwrite, mend=mend)
            return writer.plan(poses.keys)

        pieces = _by_the_first(team, begin)
        own = pieces[team.rank :: team.size]
        done = HeatmapReport()
        job = _Job(poses, writer, settings)
        for piece, report in zip(own, in_workers(job, own, _workers(settings)), strict=True):
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


def _with_device(settings: HeatmapSettings) -> HeatmapSettings:
    """The settings with a device that is there; the compiled loops are for the processor."""
    if settings.device == "cpu":
        return settings
    from skelgait.runtime.devices import pick_device

    return settings.model_copy(update={"device": pick_device(settings.device).type})


def _unused(settings: HeatmapSettings) -> set[str]:
    return {"compression"} if settings.storage == "pkl" else set()


def _workers(settings: HeatmapSettings) -> int:
    if settings.device != "cpu":
        return 1  # the device does the work
    return settings.workers or max(1, usable_cores() // processes_on_this_machine())


@dataclass(frozen=True)
class _Job:
    """Draws pieces; what every worker needs."""

    poses: SequenceSource
    out: PieceWriter
    settings: HeatmapSettings

    def __call__(self, piece: Piece) -> HeatmapReport:
        there = self._there(piece)
        keypoints, entries, failed = self._read([key for key in piece[1] if key not in there])
        counts: list[HeatmapReport] = []
        self.out.write(piece, entries, self._draw(keypoints, counts))
        report = HeatmapReport(skipped=len(there), failed=failed)
        for count in counts:
            report = _sum(report, count)
        return report

    def _there(self, piece: Piece) -> set[Key]:
        """The sequences whose maps are there, whole, and as of the poses of today."""
        there = set()
        for key, date_ns in self.out.finished(piece).items():
            try:
                if date_ns >= self.poses.modified_ns(key):
                    there.add(key)
            except DataError:  # told when the poses are read
                continue
        return there

    def _read(
        self, keys: Iterable[Key]
    ) -> tuple[dict[Key, NDArray[Any]], dict[Key, Entry], tuple[tuple[Key, str], ...]]:
        """The keypoints of sequences, what is to be written of each, and what is wrong with the others."""
        from skelgait.maps import as_keypoints

        keypoints, entries, failed = {}, {}, []
        for key in keys:
            where = f"{self.poses.path}: {key}"
            try:
                # The date before reading: poses that change from here on will be drawn again.
                date_ns = self.poses.modified_ns(key)
                array = as_keypoints(self.poses.read(key)[0], where)
                if not len(array):
                    raise DataError(where, "no frame", "at least one frame", "remove the sequence")
            except DataError as error:
                failed.append((key, str(error)))
                continue
            keypoints[key], entries[key] = array, Entry(len(array), date_ns)
        return keypoints, entries, tuple(failed)

    def _draw(self, keypoints: Mapping[Key, NDArray[Any]], counts: list[HeatmapReport]) -> Iterable[NDArray[Any]]:
        """The maps of sequences, one after the other; what there was to count goes into `counts`."""
        options = self.settings.model_dump(exclude=_HOW | _STORED)
        if self.settings.device != "cpu":
            from skelgait.maps.on_device import skeleton_maps_on
            from skelgait.runtime.devices import pick_device

            options["device"] = pick_device(self.settings.device)
            draw: Callable[..., Any] = skeleton_maps_on
        else:
            from skelgait.maps import skeleton_maps as draw
        for array in keypoints.values():
            result = draw(array, **options)
            counts.append(HeatmapReport(1, len(result.maps), result.n_filled, result.n_empty))
            yield result.maps


def _sum(first: HeatmapReport, second: HeatmapReport) -> HeatmapReport:
    names = HeatmapReport.__dataclass_fields__
    return HeatmapReport(**{name: getattr(first, name) + getattr(second, name) for name in names})
