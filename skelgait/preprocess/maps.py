"""Skeleton maps of a whole pose dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.build import Destination, Loaded, Output, build_dataset
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.process_group import SINGLE, ProcessGroup, processes_on_this_machine
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.metadata import DatasetMetadata

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
    group: ProcessGroup = SINGLE,
) -> HeatmapReport:
    """Draw the skeleton maps of every sequence in `poses` into `out`, see `skelgait.preprocess.build.build_dataset`.

    Args:
        poses: the pose sequences.
        out: folder of the maps, a pickle tree or HDF5 parts by `settings.storage`.
        settings: how to draw and write.
        advance: told how many sequences this process has dealt with since the last call.
        group: the processes that share the work; each of them makes this call, and gets the report of all.

    Raises:
        SettingsError: `out` holds maps drawn with other settings or of other poses, or is the folder of the poses; or
            there is no such device.
        DataError: `out` cannot be written, or another run writes there; what was written before stays.
    """
    settings = _with_device(settings)
    if out.resolve() == poses.path.resolve():
        raise SettingsError(out, "the folder of the poses", "another one", "name another folder with --maps")
    unused = {"compression"} if settings.storage == "pkl" else set()
    drawn = settings.model_dump(mode="json", exclude=_HOW | unused)
    metadata = DatasetMetadata(str(poses.path.resolve()), drawn, facts=_joints(poses))
    report = build_dataset(
        _Drawing(poses, settings),
        Destination(out, "map", metadata, settings.storage, settings.compression, flag="--maps"),
        workers=_workers(settings),
        overwrite=settings.overwrite,
        advance=advance,
        group=group,
    )
    totals = report.totals
    return HeatmapReport(
        len(report.made),
        totals["frames"],
        totals["filled_joints"],
        totals["empty_maps"],
        report.skipped,
        report.failed,
        report.seconds,
    )


def _joints(poses: SequenceSource) -> dict[str, int]:
    """The number of joints that the poses have, by the first sequence; nothing where that cannot be read."""
    try:
        header = poses.header(poses.keys[0])
    except DataError:  # told when it is drawn
        return {}
    return {"joints": header.shape[1] if header.ndim == 3 else 17}


def _with_device(settings: HeatmapSettings) -> HeatmapSettings:
    """The settings with a device that is there; the compiled loops are for the processor."""
    if settings.device == "cpu":
        return settings
    from skelgait.runtime.devices import pick_device

    return settings.model_copy(update={"device": pick_device(settings.device).type})


def _workers(settings: HeatmapSettings) -> int:
    if settings.device != "cpu":
        return 1  # the device does the work
    return settings.workers or max(1, usable_cores() // processes_on_this_machine())


@dataclass(frozen=True)
class _Drawing:
    """A `Recipe`: maps of poses."""

    poses: SequenceSource
    settings: HeatmapSettings

    @property
    def keys(self) -> Sequence[Key]:
        return self.poses.keys

    def modified_ns(self, key: Key) -> int:
        return self.poses.modified_ns(key)

    def read(self, key: Key) -> Loaded:
        from skelgait.maps import as_keypoints

        where = f"{self.poses.path}: {key}"
        keypoints_xyc = as_keypoints(self.poses.read(key)[0], where)
        if not len(keypoints_xyc):
            raise DataError(where, "no frame", "at least one frame", "remove the sequence")
        return Loaded(keypoints_xyc, len(keypoints_xyc), self.poses.frame_names(key))

    def make(self, loaded: Loaded) -> Output:
        options = self.settings.model_dump(exclude=_HOW | _STORED)
        if self.settings.device != "cpu":
            from skelgait.maps.on_device import skeleton_maps_on
            from skelgait.runtime.devices import pick_device

            options["device"] = pick_device(self.settings.device)
            draw: Callable[..., Any] = skeleton_maps_on
        else:
            from skelgait.maps import skeleton_maps as draw
        drawn = draw(loaded.content, **options)
        return Output(drawn.maps, {"filled_joints": drawn.n_filled, "empty_maps": drawn.n_empty})
