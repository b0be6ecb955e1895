"""Skeleton maps of a whole pose dataset: several processes, each drawing and writing pieces of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from skelgait import __version__
from skelgait.errors import DataError, SettingsError
from skelgait.runtime.cores import usable_cores
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.atomic import write_text
from skelgait.storage.pieces import PieceWriter, open_pieces

NOTE = "skelgait.json"
_PIECES = 64
_LARGEST_PIECE = 512


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
) -> HeatmapReport:
    """Draw the skeleton maps of every sequence in `poses` into `out`.

    Sequences that are in `out` already, whole, are skipped unless `settings.overwrite`; sequences that cannot be
    read are named in the report. The result does not depend on the number of workers.

    Args:
        poses: the pose sequences.
        out: folder of the maps, a pickle tree or HDF5 parts by `settings.storage`.
        settings: how to draw and write.
        advance: told how many sequences have been dealt with since the last call.

    Raises:
        SettingsError: `out` holds maps drawn with other settings.
        DataError: `out` cannot be written.
    """
    start = time.perf_counter()
    written = settings.model_dump(mode="json", exclude={"workers", "overwrite"})
    _leave_note(out, poses.path, written, settings.overwrite)
    writer = open_pieces(out, settings.storage, "map", source=str(poses.path), settings=written)
    pieces = _pieces(poses.keys)
    done = HeatmapReport()
    for keys, report in _draw_pieces(pieces, _Job(poses, writer, settings)):
        done = _sum(done, report)
        advance(len(keys))
    writer.finish(len(pieces))
    return _sum(done, HeatmapReport(seconds=time.perf_counter() - start))


@dataclass(frozen=True)
class _Job:
    """What every worker needs."""

    poses: SequenceSource
    out: PieceWriter
    settings: HeatmapSettings

    def draw_piece(self, index: int, keys: Sequence[Key]) -> HeatmapReport:
        from skelgait.maps import skeleton_maps

        options = self.settings.model_dump(exclude={"storage", "workers", "overwrite"})
        there = set() if self.settings.overwrite else self.out.finished(index, keys)
        report = HeatmapReport(skipped=len(there))
        drawn = []
        for key in keys:
            if key in there:
                continue
            try:
                (keypoints_xyc,) = self.poses.read(key)
                result = skeleton_maps(keypoints_xyc, where=f"{self.poses.path}: {key}", **options)
            except DataError as error:
                report = _sum(report, HeatmapReport(failed=((key, str(error)),)))
                continue
            drawn.append((key, result.maps))
            report = _sum(report, HeatmapReport(1, len(result.maps), result.n_filled, result.n_empty))
        self.out.write(index, keys, drawn)
        return report


_job: _Job | None = None


def _start_worker(job: _Job) -> None:
    global _job
    _job = job


def _draw_in_worker(index: int, keys: Sequence[Key]) -> HeatmapReport:
    if _job is None:
        raise RuntimeError("a worker was given a piece before its job")
    return _job.draw_piece(index, keys)


def _draw_pieces(pieces: Sequence[Sequence[Key]], job: _Job) -> Iterator[tuple[Sequence[Key], HeatmapReport]]:
    workers = min(job.settings.workers or usable_cores(), len(pieces))
    if workers <= 1:
        for index, keys in enumerate(pieces):
            yield keys, job.draw_piece(index, keys)
        return
    # Spawned, not forked: the calling program may run threads.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (job,)) as pool:
        yield from zip(pieces, pool.map(_draw_in_worker, range(len(pieces)), pieces), strict=True)


def _pieces(keys: Sequence[Key]) -> list[Sequence[Key]]:
    """Cut the sorted keys into pieces by their number alone, so that every run cuts them alike."""
    size = max(1, min(len(keys) // _PIECES, _LARGEST_PIECE))
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def _leave_note(out: Path, source: Path, written: dict[str, object], overwrite: bool) -> None:
    """Write down beside the maps how they are drawn, or refuse to mix them with maps drawn otherwise."""
    note = out / NOTE
    if note.is_file() and not overwrite:
        before = _read_note(note)
        differing = [name for name, value in written.items() if before.get(name) != value]
        if differing:
            found = ", ".join(f"{name} {before.get(name)}" for name in differing)
            expected = ", ".join(f"{name} {written[name]}" for name in differing)
            raise SettingsError(
                out, f"maps with {found}", expected, "name another folder with --maps, or use --overwrite"
            )
    write_text(note, json.dumps({"version": __version__, "source": str(source), "settings": written}, indent=1) + "\n")


def _read_note(note: Path) -> dict[str, object]:
    try:
        return dict(json.loads(note.read_text(encoding="utf-8"))["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        mend = "remove it, or use --overwrite to draw all maps again"
        raise DataError(note, f"a damaged file ({error!r})", "the settings of the maps beside it", mend) from error


def _sum(*reports: HeatmapReport) -> HeatmapReport:
    fields: Iterable[str] = HeatmapReport.__dataclass_fields__
    first, second = reports
    return HeatmapReport(**{name: getattr(first, name) + getattr(second, name) for name in fields})
