"""Pipeline of `skelgait identify`: open-set identification from settings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skelgait.display import Row, Tabular
from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.embeddings.file import EmbeddingFile, holds_embeddings
from skelgait.embeddings.gallery import GalleryThreshold
from skelgait.errors import PathLike
from skelgait.evaluation.identification import Identified
from skelgait.evaluation.threshold import Threshold
from skelgait.pipelines.enrolled import check_same_gallery, open_enrolled
from skelgait.pipelines.gallery_network import check_same_drawing, load_gallery_network, warn_if_drawing_unknown
from skelgait.pipelines.named_previews import PosesByFrame, poses_by_frame, write_named_previews
from skelgait.pipelines.probes import open_probes, select_keys
from skelgait.pipelines.trained_network import embed_and_gather, inference_options, warn_if_maps_differ
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.runtime.devices import distance_device
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main
from skelgait.settings import Settings
from skelgait.storage import Key
from skelgait.storage.atomic import write_text
from skelgait.storage.lock import lock_file
from skelgait.video.index import IndexedTrack

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, repr=False)
class Identification(Tabular):
    """Nearest enrolled people of each probe.

    Attributes:
        gallery: embedding file of the enrolled people.
        n_people: number of enrolled people.
        n_sequences: number of gallery sequences.
        threshold: maximum distance at which a probe is accepted; None: no threshold.
        learned: how the threshold was estimated from a validation set; None: it was not.
        stored: threshold of `skelgait gallery check`, if it is used; None: another one, or none.
        n_truncated: number of probes that were longer than `identify.max_frames`.
        n_in_gallery: number of probes with the key of a gallery sequence; they match themselves if they are the same.
        probes: result for each probe.
        tracks: video, times and quality of the probes that are from videos.
        previews: videos with skeletons and names.
    """

    gallery: Path
    n_people: int
    n_sequences: int
    threshold: float | None
    learned: Threshold | None
    stored: GalleryThreshold | None
    n_truncated: int
    n_in_gallery: int
    probes: list[Identified]
    tracks: Mapping[Key, IndexedTrack] = field(default_factory=dict)
    previews: Sequence[Path] = ()

    def headline(self) -> str:
        """Return the number of probes and of enrolled people."""
        return f"{len(self.probes)} probes, {self.n_people} enrolled people"

    def rows(self) -> list[Row]:
        """Return one row for each probe and candidate, nearest first."""
        return [
            {
                "probe": str(probe.probe),
                "accepted": probe.accepted,
                "rank": rank,
                "identity": candidate.identity,
                "sequence": str(candidate.sequence),
                "distance": candidate.distance,
            }
            for probe in self.probes
            for rank, candidate in enumerate(probe.candidates, 1)
        ]

    def to_dict(self) -> dict[str, object]:
        """Return the identification as JSON data; sequences are written as identity/condition/view."""
        probes = [
            {
                "probe": str(probe.probe),
                "first_s": self.tracks[probe.probe].first_s if probe.probe in self.tracks else None,
                "last_s": self.tracks[probe.probe].last_s if probe.probe in self.tracks else None,
                "accepted": probe.accepted,
                "candidates": [
                    {"rank": rank, "identity": c.identity, "sequence": str(c.sequence), "distance": c.distance}
                    for rank, c in enumerate(probe.candidates, 1)
                ],
            }
            for probe in self.probes
        ]
        facts = {name: value for name, value in vars(self).items() if name != "tracks"}
        return {**facts, "gallery": str(self.gallery), "probes": probes} | {
            "previews": list(map(str, self.previews)),
            "learned": None if self.learned is None else asdict(self.learned),
            "stored": None if self.stored is None else asdict(self.stored),
        }


def identify_probes(settings: Settings, path: PathLike, progress: Progress = silent_progress) -> Identification | None:
    """Identify the sequences at a path.

    Args:
        settings: settings; the section `identify` gives the gallery, the threshold, the device and the checkpoint
            (default: the checkpoint of the gallery).
        path: sequence, pickle tree or HDF5 file of poses, maps or pairs; files of a pose estimator; video, folder of
            videos, number of a camera or address of a stream, which is read until it ends or Ctrl-C; or embedding file.
        progress: shows the frames of videos, and the embedded probes.

    Returns:
        Identification in the process of rank 0; None in all others.

    Raises:
        DataError: if a file cannot be read, does not fit the network, or was embedded with another checkpoint.
        CheckpointError: if there is no checkpoint, or if it is not that of the gallery.
        SettingsError: if there is no such sequence.
    """
    keep_freed_memory()
    config = settings.identify
    gallery = open_embeddings(config.gallery, config.embedding)
    embedded = _embed_probes(settings, path, gallery, progress)
    if embedded is None:
        return None
    probes, device, tracks, poses = embedded
    enrolled = open_enrolled(config, gallery, device)
    results = enrolled.identify(probes)
    gallery_keys = set(gallery.keys)
    return Identification(
        gallery=gallery.path,
        n_people=enrolled.n_people,
        n_sequences=len(gallery.keys),
        threshold=enrolled.threshold,
        learned=enrolled.learned,
        stored=enrolled.stored,
        n_truncated=probes.n_truncated,
        n_in_gallery=sum(key in gallery_keys for key in probes.keys),
        probes=results,
        tracks=tracks,
        previews=write_named_previews(results, tracks, poses) if config.preview else (),
    )


class _Embedded(NamedTuple):
    """Embeddings of the probes, and facts of those from videos.

    Attributes:
        probes: embeddings.
        device: device that compares them; None: the CPU, without torch.
        tracks: facts of the probes that are from videos.
        poses: their poses, if previews are to be written.
    """

    probes: Embeddings
    device: torch.device | None
    tracks: Mapping[Key, IndexedTrack]
    poses: Mapping[Key, PosesByFrame]


def _embed_probes(settings: Settings, path: PathLike, gallery: EmbeddingFile, progress: Progress) -> _Embedded | None:
    config = settings.identify
    if holds_embeddings(Path(path)):
        if not is_main():
            return None
        file = open_embeddings(path, gallery.embedding)
        check_same_gallery(gallery, file)
        probes = file.select(select_keys(file.keys, config.sequence, path))
        return _Embedded(probes, distance_device(config.device), {}, {})
    trained = load_gallery_network(settings, config, gallery.path, gallery.facts)
    drawn = {**(trained.facts.data.get("drawn") or {}), **gallery.facts.drawn}
    with open_probes(path, config.sequence, trained.facts, settings, drawn, progress) as sequences:
        source, keys, stored, tracks = sequences
        warn_if_drawing_unknown(path, sequences.drawn())
        check_same_drawing(gallery.path, gallery.facts.drawn, path, sequences.drawn())
        if not isinstance(source, LazyMaps):
            warn_if_maps_differ(trained, source)
        poses = poses_by_frame(stored, list(tracks)) if config.preview else {}
        options = inference_options(config)
        with progress(len(keys), "Embedding", "sequences") as advance:
            embeddings = embed_and_gather(trained.model, source, keys, options, gallery.embedding, advance)
    return None if embeddings is None else _Embedded(embeddings, trained.model.torch_device, tracks, poses)


def write_ranking(path: Path, identification: Identification) -> None:
    """Write an identification atomically, as JSON, or as CSV with a line for each candidate.

    Args:
        path: file to write, .json or .csv.
        identification: result to write.

    Raises:
        DataError: if the file cannot be written.
    """
    with lock_file(path):
        write_text(path, _ranking(path, identification))


def _ranking(path: Path, identification: Identification) -> str:
    """Return the text of a ranking file."""
    if path.suffix == ".json":
        return json.dumps(identification.to_dict(), indent=1, ensure_ascii=False) + "\n"
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("probe", "rank", "identity", "sequence", "distance", "accepted", "first_s", "last_s"))
    for probe in identification.probes:
        track = identification.tracks.get(probe.probe)
        times = (track.first_s, track.last_s) if track else ("", "")
        for rank, c in enumerate(probe.candidates, 1):
            # Only the nearest person is accepted or rejected.
            accepted = "" if probe.accepted is None or rank > 1 else str(probe.accepted).lower()
            writer.writerow((probe.probe, rank, c.identity, c.sequence, c.distance, accepted, *times))
    return table.getvalue()
