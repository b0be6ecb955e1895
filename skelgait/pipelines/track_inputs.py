"""Input of a network from the track of a person in a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings.model import NetworkFacts
from skelgait.errors import DataError
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import FrameChoice, Key, Modality, SequenceSource
from skelgait.storage.pairs import FramePairs, PairSource
from skelgait.video.tracks import VideoTrack


def track_inputs(
    name: str, key: Key, track: VideoTrack, network: NetworkFacts, config: HeatmapSettings
) -> SequenceSource:
    """Return a track as the source of one sequence, in the form that a network takes.

    Args:
        name: name of the video, for messages.
        key: key of the sequence.
        track: the track.
        network: facts about the network.
        config: settings of the maps.

    Raises:
        DataError: if the network takes silhouettes, and the track has none.
    """
    maps = LazyMaps(_Sequence(name, key, track.poses, "pose"), config)
    if network.modalities == ("map",):
        return maps
    n, n_silhouettes = len(track.frames), len(track.silhouettes)
    _, rows, silhouettes = np.intersect1d(track.frames, track.silhouette_frames, return_indices=True)
    if not len(rows):
        expected = f"maps and silhouettes for {network.network}"
        raise DataError(f"{name}: {key}", "no silhouettes", expected, "use an estimator with masks: mediapipe")
    pairs = FramePairs(rows, silhouettes, n, n_silhouettes)
    return PairSource(Path(name), maps, _Sequence(name, key, track.silhouettes, "silhouette"), {key: pairs})


class _Sequence(SequenceSource):
    """Source of one sequence in memory."""

    title = "a track"

    def __init__(self, name: str, key: Key, frames: NDArray[Any], modality: Modality) -> None:
        self.path, self.keys = Path(name), [key]
        self.modalities: tuple[Modality, ...] = (modality,)
        self._frames = frames

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[NDArray[Any], ...]:
        return (self._frames if choose is None else self._frames[choose(len(self._frames))],)

    def header(self, key: Key) -> NDArray[Any]:
        return self._frames

    def modified_ns(self, key: Key) -> int:
        return 0
