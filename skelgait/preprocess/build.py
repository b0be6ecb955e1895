"""Resumable, parallel conversion of one dataset into another.

A `Recipe` describes how the sequences are made, a `Destination` where they are written. `build_dataset` does the rest:
chunks, worker processes, resumption, and the report.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from skelgait.errors import SkelgaitError
from skelgait.preprocess.build_journal import Journal
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.chunk_job import ChunkJob
from skelgait.preprocess.recipe import Recipe
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.process_group import SINGLE, ProcessGroup
from skelgait.runtime.workers import in_workers
from skelgait.storage import Chunk, Key, Modality
from skelgait.storage.backends import Compression, file_name_of, find_backend
from skelgait.storage.lock import lock_folder
from skelgait.storage.metadata import DatasetMetadata, prepare_folder
from skelgait.storage.orphans import remove_orphans

T = TypeVar("T")

# Settings that change how the work is done, but not its result.
_NOT_RECORDED = {"workers", "nproc", "device", "overwrite", "preview", "force", "max_megapixels"}


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
        journal: journal of the sequences; the caller reads it before and removes it at the end. None: none.
    """

    out: Path
    modality: Modality
    metadata: DatasetMetadata
    storage: str = "pkl"
    compression: Compression = "lz4hc"
    file_name: Callable[[Key], str] = file_name_of
    hint: str = "choose another folder"
    journal: Journal | None = None


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
            if destination.journal is not None:
                destination.journal.start()
            cleared = BuildReport(removed=others) if is_ours else BuildReport(stale=others)
            return writer.plan(recipe.keys), cleared

        chunks, cleared = _on_rank_zero(group, prepare)
        share = chunks[group.rank :: group.size]
        total = BuildReport()
        try:
            # Closed before the lock is released: until then, workers may write.
            with closing(in_workers(ChunkJob(recipe, writer, destination.journal), share, workers)) as written:
                for chunk, report in zip(share, written, strict=True):
                    total += report
                    advance(len(chunk.keys))
        except BaseException:  # a worker may have been killed
            if group.size == 1:  # other processes of the group may still write
                remove_orphans(out)
            raise
        reports = group.gather(total)
        _on_rank_zero(group, lambda: writer.finish(chunks))
    for other in (*reports[: group.rank], *reports[group.rank + 1 :]):
        total += other
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
