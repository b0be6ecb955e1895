"""Source of skeleton maps that are drawn from poses when they are read."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from skelgait.maps import skeleton_maps
from skelgait.preprocess.keypoints import checked_keypoints
from skelgait.preprocess.maps import DRAWING_SETTINGS
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import FrameChoice, Key, Modality, SequenceSource


class LazyMaps(SequenceSource):
    """Source of skeleton maps of pose sequences.

    Args:
        poses: source of the poses.
        config: settings of the maps.

    Attributes:
        drawing: settings of the maps that `skeleton_maps` takes.
    """

    def __init__(self, poses: SequenceSource, config: HeatmapSettings) -> None:
        self.path = poses.path
        self.keys = poses.keys
        self.modalities: tuple[Modality, ...] = ("map",)
        self._poses = poses
        self.drawing = config.model_dump(include=DRAWING_SETTINGS)
        self._force = config.force

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        """Draw the maps (T, 2, H, W) uint8 of a sequence, see `SequenceSource.read`.

        Raises:
            DataError: if the poses cannot be read or drawn. The error names the sequence.
        """
        # All frames are drawn, because a missing joint may be filled from any frame.
        (poses,) = self._poses.read(key)
        location = f"{self.path}: {key}"
        keypoints_xyc = checked_keypoints(poses, location, force=self._force)
        maps = skeleton_maps(keypoints_xyc, name=location, **self.drawing).maps
        return (maps if choose is None else maps[choose(len(maps))],)

    def length(self, key: Key) -> int:
        """See `SequenceSource.length`."""
        return self._poses.length(key)

    def header(self, key: Key) -> NDArray[Any]:
        """See `SequenceSource.header`; the maps are drawn."""
        return self.read(key)[0]

    def frame_names(self, key: Key) -> list[str] | None:
        """See `SequenceSource.frame_names`."""
        return self._poses.frame_names(key)

    def modified_ns(self, key: Key) -> int:
        """Return the time at which the poses were last written, see `SequenceSource.modified_ns`."""
        return self._poses.modified_ns(key)

    def name(self, key: Key) -> str:
        """See `SequenceSource.name`."""
        return self._poses.name(key)
