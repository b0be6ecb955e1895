"""Skeleton maps of a whole pose dataset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, PathLike, SettingsError
from skelgait.preprocess.build import Destination, build_dataset, recorded_settings
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.recipe import Loaded, Output, Recipe
from skelgait.runtime.advance import Advance
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.process_group import SINGLE, ProcessGroup, processes_on_this_machine
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.metadata import DatasetMetadata, settings_of_source

DRAWING_SETTINGS = {"canvas_px", "sigma_px", "use_score", "fill", "align", "offset_px", "size_px"}
"""Settings of `skelgait heatmap` that `skeleton_maps` takes."""


def draw_dataset(
    poses: SequenceSource,
    out: PathLike,
    config: HeatmapSettings,
    *,
    group: ProcessGroup = SINGLE,
    advance: Advance | None = None,
) -> BuildReport:
    """Draw the skeleton maps of all sequences in `poses` into `out`, see `skelgait.preprocess.build.build_dataset`.

    Args:
        poses: pose sequences.
        out: folder of the maps, in the storage `config.storage`.
        config: settings of the maps and of the storage.
        group: processes that share the work; each of them calls this function and gets the full report.
        advance: called with the number of sequences that this process has finished.

    Returns:
        Report that counts for each sequence `frames`, `filled_joints` (joints whose missing coordinates were filled),
        `empty_maps` (frames without a body to draw) and `odd_confidences` (joints with a confidence outside 0 to 1).

    Raises:
        SettingsError: if `out` is the folder of the poses, or holds maps drawn with other settings or from other poses;
            or if the device does not exist.
        DataError: if `out` cannot be written, or another run writes there. Maps written before are kept.
    """
    out, config = Path(out), _with_device(config)
    if out.resolve() == poses.path.resolve():
        raise SettingsError(out, "the folder of the poses", "another folder", "choose another folder with --maps")
    metadata = DatasetMetadata(
        str(poses.path.resolve()),
        recorded_settings(config),
        facts=_facts(poses),
        source_settings=settings_of_source(poses.path),
    )
    hint = "choose another folder with --maps, or use --overwrite"
    return build_dataset(
        _MapRecipe(poses, config),
        Destination(out, "map", metadata, config.storage, config.compression, hint=hint),
        workers=_workers(config),
        overwrite=config.overwrite,
        group=group,
        advance=advance,
    )


def _facts(poses: SequenceSource) -> dict[str, int]:
    """Return the number of `joints` of the first sequence; empty if it cannot be read."""
    try:
        header = poses.header(poses.keys[0])
    except DataError:  # reported when the sequence is drawn
        return {}
    return {"joints": header.shape[1] if header.ndim == 3 else 17}


def _with_device(config: HeatmapSettings) -> HeatmapSettings:
    """Return the settings with the device that "auto" stands for; check that the device exists."""
    if config.device == "cpu":
        return config
    from skelgait.runtime.devices import pick_device

    return config.model_copy(update={"device": pick_device(config.device).type})


def _workers(config: HeatmapSettings) -> int:
    if config.device != "cpu":
        return 1  # the device does the work
    return config.workers or max(1, usable_cores() // processes_on_this_machine())


class _Sequence(NamedTuple):
    keypoints_xyc: NDArray[np.floating]
    n_odd_confidences: int


@dataclass(frozen=True)
class _MapRecipe(Recipe):
    """Skeleton maps of poses."""

    poses: SequenceSource
    config: HeatmapSettings

    @property
    def keys(self) -> Sequence[Key]:
        return self.poses.keys

    def modified_ns(self, key: Key) -> int:
        return self.poses.modified_ns(key)

    def read(self, key: Key) -> Loaded:
        from skelgait.maps.keypoints import check_confidences
        from skelgait.preprocess.keypoints import checked_keypoints

        location = f"{self.poses.path}: {key}"
        keypoints_xyc = checked_keypoints(self.poses.read(key)[0], location, force=self.config.force)
        n_frames = len(keypoints_xyc)
        if not n_frames:
            raise DataError(location, "no frame", "at least one frame", "remove the sequence")
        if not keypoints_xyc[..., :2].any():
            hint = "run the pose estimator on this sequence again, or remove it"
            raise DataError(location, f"no joint in any of {n_frames} frames", "a person", hint)
        n_odd = check_confidences(keypoints_xyc, location) if self.config.use_score else 0
        return Loaded(_Sequence(keypoints_xyc, n_odd), n_frames, self.poses.frame_names(key))

    def make(self, loaded: Loaded) -> Output:
        options = self.config.model_dump(include=DRAWING_SETTINGS)
        if self.config.device != "cpu":
            from skelgait.maps.on_device import skeleton_maps_on
            from skelgait.runtime.devices import pick_device

            options["device"] = pick_device(self.config.device)
            draw: Callable[..., Any] = skeleton_maps_on
        else:
            from skelgait.maps import skeleton_maps as draw
        sequence: _Sequence = loaded.content
        result = draw(sequence.keypoints_xyc, **options)
        counts = {"filled_joints": result.n_filled, "empty_maps": result.n_empty}
        return Output(result.maps, {**counts, "odd_confidences": sequence.n_odd_confidences})
