"""Identification from settings."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from skelgait.display import Row, Tabular
from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.embeddings.file import EmbeddingFile, holds_embeddings
from skelgait.errors import CheckpointError
from skelgait.evaluation.identification import Identified, Threshold, check_same_checkpoint, identify, learn_threshold
from skelgait.matching.options import MatchingOptions
from skelgait.pipelines.probes import chosen_keys, open_probes
from skelgait.pipelines.trained_network import (
    TrainedNetwork,
    embed_for_main,
    inference_options,
    trained_network,
    warn_of_other_maps,
)
from skelgait.preprocess.lazy_maps import LazyMaps
from skelgait.runtime.advance import Advance
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.storage.atomic import write_text


@dataclass(frozen=True, repr=False)
class Identification(Tabular):
    """Who the probes are.

    Attributes:
        gallery: the file of the known people.
        n_people: how many they are.
        n_sequences: sequences of theirs.
        threshold: distance up to which a probe is of its nearest person; None where there is none.
        learned: how the threshold was learned; None where it was given.
        n_truncated: probes that were longer than what was used of them.
        n_in_gallery: probes of the name of a sequence in the gallery, which find themselves if they are the same.
        probes: the probes.
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
        """Everything as plain dicts, lists, strings and numbers; sequences as identity/condition/view."""
        probes = [
            {
                "probe": str(of.probe),
                "accepted": of.accepted,
                "candidates": [
                    {"rank": rank, "identity": c.identity, "sequence": str(c.sequence), "distance": c.distance}
                    for rank, c in enumerate(of.candidates, 1)
                ],
            }
            for of in self.probes
        ]
        return {**vars(self), "gallery": str(self.gallery), "probes": probes} | {
            "learned": None if self.learned is None else asdict(self.learned)
        }


def identify_probes(
    settings: Settings, path: Path, device: torch.device, advance: Advance | None = None
) -> Identification | None:
    """Identify the sequences at a path. Returns None in all processes but the first.

    The network is the one that the settings name, or the one that made the gallery.

    Args:
        settings: the gallery, and how.
        path: a sequence, or a tree or a store of them: poses, maps or pairs; a pose estimator's own files; or a file of
            embeddings.
        device: where the network runs.
        advance: told how many probes have been embedded since the last call.

    Raises:
        DataError: a file cannot be read, is not what the network takes, or was embedded by another checkpoint.
        CheckpointError: there is no checkpoint, or it is not the gallery's.
        SettingsError: there is no such sequence.
    """
    keep_freed_memory()
    chosen = settings.identify
    gallery = open_embeddings(chosen.gallery, chosen.embedding)
    probes = _probes(settings, path, gallery, device, advance)
    if probes is None:
        return None
    known = gallery.select(gallery.keys)
    threshold, learned = chosen.threshold, None
    options = MatchingOptions(chosen.distance, device, chosen.memory_mb)
    if chosen.validation:
        file = open_embeddings(chosen.validation, gallery.embedding)
        check_same_checkpoint([_hash(gallery), _hash(file)])
        learned = learn_threshold(file.select(file.keys), known, chosen.false_accept, options)
        threshold = learned.distance
    found = identify(probes, known, options, top=chosen.top, threshold=threshold)
    people, enrolled = {key.identity for key in gallery.keys}, set(gallery.keys)
    return Identification(
        gallery=gallery.path,
        n_people=len(people),
        n_sequences=len(gallery.keys),
        threshold=threshold,
        learned=learned,
        n_truncated=probes.n_truncated,
        n_in_gallery=sum(key in enrolled for key in probes.keys),
        probes=found,
    )


def _probes(
    settings: Settings, path: Path, gallery: EmbeddingFile, device: torch.device, advance: Advance | None
) -> Embeddings | None:
    chosen = settings.identify
    if holds_embeddings(path):
        if not is_main():
            return None
        file = open_embeddings(path, gallery.embedding)
        check_same_checkpoint([_hash(gallery), _hash(file)])
        return file.select(chosen_keys(file.keys, chosen.sequence, path))
    trained = _network_of(settings, gallery)
    drawn = {**gallery.facts.drawn, **(trained.checkpoint.data.get("drawn") or {})}
    with open_probes(path, chosen.sequence, trained.name, settings, drawn) as (source, keys):
        if not isinstance(source, LazyMaps):
            warn_of_other_maps(trained, source)
        network = trained.checkpoint.network()
        return embed_for_main(network, source, keys, device, inference_options(chosen), gallery.embedding, advance)


def _network_of(settings: Settings, gallery: EmbeddingFile) -> TrainedNetwork:
    """The network that is named, or the gallery's own; either has to be the gallery's."""
    chosen = settings.identify
    is_named = chosen.checkpoint or chosen.iteration or chosen.best or settings.train.run_name
    if not is_named:
        path = Path(gallery.facts.checkpoint)
        if not path.is_file():
            expected, hint = f"the checkpoint that made {gallery.path}", "say with --checkpoint where it is now"
            raise CheckpointError(path, "no such file", expected, hint)
        chosen = chosen.model_copy(update={"checkpoint": path})
    trained = trained_network(settings, chosen)
    if trained.sha256() != gallery.facts.checkpoint_sha256:
        found, expected = f"another checkpoint than that of {gallery.path}", f"{gallery.facts.checkpoint} as it was"
        raise CheckpointError(trained.path, found, expected, "name it with --checkpoint, or embed the gallery again")
    return trained


def _hash(file: EmbeddingFile) -> tuple[str, str]:
    return str(file.path), file.facts.checkpoint_sha256


def write_ranking(path: Path, found: Identification) -> None:
    """Write who the probes are, whole or not at all: as JSON, or as CSV with a line for each candidate.

    Args:
        path: the file, .json or .csv.
        found: what to write.

    Raises:
        DataError: the file cannot be written.
    """
    if path.suffix == ".json":
        write_text(path, json.dumps(found.to_dict(), indent=1, ensure_ascii=False) + "\n")
        return
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("probe", "rank", "identity", "sequence", "distance", "accepted"))
    for of in found.probes:
        for rank, c in enumerate(of.candidates, 1):
            # Known or not is said of the nearest person alone.
            known = "" if of.accepted is None or rank > 1 else str(of.accepted).lower()
            writer.writerow((of.probe, rank, c.identity, c.sequence, c.distance, known))
    write_text(path, table.getvalue())
