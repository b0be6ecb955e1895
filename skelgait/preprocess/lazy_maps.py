"""Poses as a source of skeleton maps, which are drawn as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.source import FrameChoice, Modality

_DRAWING = {"canvas_px", "sigma_px", "use_score", "fill", "align", "offset_px", "size_px"}


class LazyMaps:
    """Skeleton maps of pose sequences; a sequence source as any other.

    Args:
        poses: the poses.
        settings: how to draw them.
    """

    def __init__(self, poses: SequenceSource, settings: HeatmapSettings) -> None:
        self._poses = poses
        self._how = settings.model_dump(include=_DRAWING)

    @property
    def path(self) -> Path:
        """Where the poses lie."""
        return self._poses.path

    @property
    def keys(self) -> Sequence[Key]:
        """Every sequence, sorted."""
        return self._poses.keys

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Maps alone."""
        return ("map",)

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """The maps (T, 2, H, W) uint8 of a sequence, of the frames that `choose` picks.

        Raises:
            DataError: the poses cannot be read or drawn; names the sequence.
        """
        # All are drawn: a missing joint is filled from any frame.
        (poses,) = self._poses.read(key)
        maps = skeleton_maps(poses, name=f"{self.path}: {key}", **self._how).maps
        return (maps if choose is None else maps[choose(len(maps))],)

    def length(self, key: Key) -> int:
        """Frames of a sequence."""
        return self._poses.length(key)

    def header(self, key: Key) -> NDArray[Any]:
        """The first frame of a sequence."""
        return self.read(key)[0][:1]

    def frame_names(self, key: Key) -> list[str] | None:
        """The names of the poses' frames."""
        return self._poses.frame_names(key)

    def modified_ns(self, key: Key) -> int:
        """When the poses were last written."""
        return self._poses.modified_ns(key)

    def name(self, key: Key) -> str:
        """The name of the poses' file."""
        return self._poses.name(key)
