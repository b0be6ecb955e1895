"""Matches of tracks with the people of a gallery, one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import numpy as np

from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.errors import DataError
from skelgait.evaluation.identification import Identified
from skelgait.pipelines.enrolled import open_enrolled
from skelgait.pipelines.gallery_network import load_gallery_network
from skelgait.pipelines.probes import drawing_settings
from skelgait.pipelines.track_inputs import track_inputs
from skelgait.pipelines.trained_network import embed_and_gather, inference_options
from skelgait.pipelines.watch_events import TrackMatch
from skelgait.runtime.memory import keep_freed_memory
from skelgait.settings import Settings
from skelgait.storage import Key
from skelgait.video.quality import check_quality
from skelgait.video.tracks import VideoTrack
from skelgait.video.updates import TrackUpdate


class TrackMatcher:
    """Network and people of a gallery, in memory: the file may change meanwhile.

    Args:
        settings: settings; the section `identify` gives the gallery, the threshold, the device and the checkpoint.

    Attributes:
        gallery: path of the gallery.
        enrolled: people of the gallery, and the threshold.

    Raises:
        DataError: if a file cannot be read.
        CheckpointError: if there is no checkpoint, or if it is not that of the gallery.
    """

    def __init__(self, settings: Settings) -> None:
        keep_freed_memory()
        config = settings.identify
        gallery = open_embeddings(config.gallery, config.embedding)
        self.gallery = gallery.path
        self._trained = load_gallery_network(settings, config, gallery.path, gallery.facts)
        enrolled = open_enrolled(config, gallery, self._trained.model.torch_device)
        self.enrolled = replace(enrolled, people=Embeddings(gallery.keys, np.asarray(enrolled.people.values)))
        drawn = {**(self._trained.facts.data.get("drawn") or {}), **gallery.facts.drawn}
        self._drawing = drawing_settings(settings.heatmap, drawn)
        self._options = inference_options(config)
        self._embedding = gallery.embedding

    def match(self, video: str, key: Key, update: TrackUpdate) -> TrackMatch:
        """Return the match of a track; a track of too little quality has none, and says why.

        Args:
            video: name of the video.
            key: key of the video.
            update: the track.
        """
        probe = key._replace(view=f"{key.view}-p{update.number}")
        match = TrackMatch(
            video,
            probe,
            not update.is_over,
            datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            round(update.first_s, 3),
            round(float(update.track.times_s[-1]), 3),
            update.n_frames,
            marks=update.track.quality.marks,
        )
        try:
            check_quality(update.track.quality, str(probe))
            found = self._identify(video, probe, update.track)
        except DataError as error:
            return replace(match, problem=f"{error.found}, expected {error.expected}")
        return replace(match, candidates=found.candidates, accepted=found.accepted)

    def _identify(self, video: str, probe: Key, track: VideoTrack) -> Identified:
        model = self._trained.model
        source = track_inputs(video, probe, track, self._trained.facts, self._drawing)
        embeddings = embed_and_gather(model, source, [probe], self._options, self._embedding)
        assert embeddings is not None  # one process
        (found,) = self.enrolled.identify(embeddings)
        return found
