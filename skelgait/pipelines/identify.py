"""Pipeline of `skelgait identify`: open-set identification from settings."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from skelgait.checkpoints.hub import is_hub_name
from skelgait.display import Row, Tabular
from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.embeddings.file import EmbeddingFile, holds_embeddings
from skelgait.errors import CheckpointError
from skelgait.evaluation.identification import Identified, Threshold, check_same_checkpoint, identify, learn_threshold
from skelgait.matching.options import MatchingOptions
from skelgait.pipelines.probes import open_probes, select_keys
from skelgait.pipelines.trained_network import (
    TrainedNetwork,
    embed_and_gather,
    inference_options,
    load_trained_network,
    warn_if_maps_differ,
)
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.runtime.advance import Advance
from skelgait.runtime.devices import distance_device
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main
from skelgait.settings import Settings
from skelgait.storage.atomic import write_text
from skelgait.storage.lock import lock_file

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
        learned: how the threshold was estimated; None: it was given, or there is none.
        n_truncated: number of probes that were longer than `identify.max_frames`.
        n_in_gallery: number of probes with the key of a gallery sequence; they match themselves if they are the same.
        probes: result for each probe.
    """

    gallery: Path
    n_people: int
    n_sequences: int
    threshold: float | None
    learned: Threshold | None
    n_truncated: int
    n_in_gallery: int
    probes: list[Identified]

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
                "accepted": probe.accepted,
                "candidates": [
                    {"rank": rank, "identity": c.identity, "sequence": str(c.sequence), "distance": c.distance}
                    for rank, c in enumerate(probe.candidates, 1)
                ],
            }
            for probe in self.probes
        ]
        return {**vars(self), "gallery": str(self.gallery), "probes": probes} | {
            "learned": None if self.learned is None else asdict(self.learned)
        }


def identify_probes(settings: Settings, path: Path, advance: Advance | None = None) -> Identification | None:
    """Identify the sequences at a path.

    Args:
        settings: settings; the section `identify` gives the gallery, the threshold, the device and the checkpoint
            (default: the checkpoint of the gallery).
        path: sequence, pickle tree or HDF5 file of poses, maps or pairs; files of a pose estimator; or embedding file.
        advance: called with the number of embedded probes.

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
    embedded = _embed_probes(settings, path, gallery, advance)
    if embedded is None:
        return None
    probes, device = embedded
    enrolled = gallery.select(gallery.keys)
    threshold, learned = config.threshold, None
    options = MatchingOptions(config.distance, device, config.memory_mb)
    if config.validation:
        file = open_embeddings(config.validation, gallery.embedding)
        check_same_checkpoint([_checkpoint_hash(gallery), _checkpoint_hash(file)])
        learned = learn_threshold(file.select(file.keys), enrolled, config.false_accept, options)
        threshold = learned.distance
    results = identify(probes, enrolled, options, top=config.top, threshold=threshold)
    gallery_keys = set(gallery.keys)
    return Identification(
        gallery=gallery.path,
        n_people=len({key.identity for key in gallery.keys}),
        n_sequences=len(gallery.keys),
        threshold=threshold,
        learned=learned,
        n_truncated=probes.n_truncated,
        n_in_gallery=sum(key in gallery_keys for key in probes.keys),
        probes=results,
    )


class _Embedded(NamedTuple):
    """Embeddings of the probes, and the device that compares them (None: the CPU, without torch)."""

    probes: Embeddings
    device: torch.device | None


def _embed_probes(settings: Settings, path: Path, gallery: EmbeddingFile, advance: Advance | None) -> _Embedded | None:
    config = settings.identify
    if holds_embeddings(path):
        if not is_main():
            return None
        file = open_embeddings(path, gallery.embedding)
        check_same_checkpoint([_checkpoint_hash(gallery), _checkpoint_hash(file)])
        probes = file.select(select_keys(file.keys, config.sequence, path))
        return _Embedded(probes, distance_device(config.device))
    trained = _gallery_network(settings, gallery)
    drawn = {**gallery.facts.drawn, **(trained.facts.data.get("drawn") or {})}
    with open_probes(path, config.sequence, trained.facts, settings, drawn) as (source, keys):
        if not isinstance(source, LazyMaps):
            warn_if_maps_differ(trained, source)
        options = inference_options(config)
        embeddings = embed_and_gather(trained.model, source, keys, options, gallery.embedding, advance)
    return None if embeddings is None else _Embedded(embeddings, trained.model.torch_device)


def _gallery_network(settings: Settings, gallery: EmbeddingFile) -> TrainedNetwork:
    """Return the network of the gallery, from the checkpoint in the settings or from the original path."""
    config = settings.identify
    if not (config.checkpoint or config.iteration or config.best or settings.train.run_name):
        path = Path(gallery.facts.checkpoint)
        if not is_hub_name(path) and not path.is_file():
            expected, hint = f"the checkpoint of {gallery.path}", "give its path with --checkpoint"
            raise CheckpointError(path, "no such file", expected, hint)
        config = config.model_copy(update={"checkpoint": path})
    trained = load_trained_network(settings, config)
    if trained.sha256() != gallery.facts.checkpoint_sha256:
        found, expected = f"not the checkpoint of {gallery.path}", f"{gallery.facts.checkpoint}, unchanged"
        hint = "give the checkpoint of the gallery with --checkpoint, or embed the gallery again"
        raise CheckpointError(trained.location.label, found, expected, hint)
    return trained


def _checkpoint_hash(file: EmbeddingFile) -> tuple[str, str]:
    return str(file.path), file.facts.checkpoint_sha256


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
    writer.writerow(("probe", "rank", "identity", "sequence", "distance", "accepted"))
    for probe in identification.probes:
        for rank, c in enumerate(probe.candidates, 1):
            # Only the nearest person is accepted or rejected.
            accepted = "" if probe.accepted is None or rank > 1 else str(probe.accepted).lower()
            writer.writerow((probe.probe, rank, c.identity, c.sequence, c.distance, accepted))
    return table.getvalue()
