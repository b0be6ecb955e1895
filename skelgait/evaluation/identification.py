"""Open-set identification: the nearest enrolled people of each probe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skelgait.embeddings import Embeddings
from skelgait.embeddings.embeddings import check_finite
from skelgait.embeddings.file_vectors import FileVectors
from skelgait.errors import DataError, ProtocolError, SettingsError
from skelgait.matching.distances import RowBlocks, distance_rows
from skelgait.matching.nearest import Nearest, nearest_groups
from skelgait.matching.options import MatchingOptions
from skelgait.matching.vectors import as_floats
from skelgait.storage import Key


@dataclass(frozen=True)
class Candidate:
    """Enrolled person near a probe.

    Attributes:
        identity: identity of the person.
        sequence: nearest sequence of the person.
        distance: distance of that sequence.
    """

    identity: str
    sequence: Key
    distance: float


@dataclass(frozen=True)
class Identified:
    """Identification of one probe.

    Attributes:
        probe: key of the probe.
        candidates: enrolled people, nearest first.
        accepted: True if the nearest person is within the threshold, False if the probe is unknown; None: no threshold.
    """

    probe: Key
    candidates: tuple[Candidate, ...]
    accepted: bool | None


def identify(
    probes: Embeddings,
    gallery: Embeddings,
    options: MatchingOptions | None = None,
    *,
    top: int = 5,
    threshold: float | None = None,
) -> list[Identified]:
    """Return the nearest enrolled people of each probe, each by their nearest sequence.

    The gallery is read once and may be larger than the memory. A probe that is in the gallery finds itself.

    Args:
        probes: embeddings of the probes.
        gallery: embeddings of the enrolled people.
        options: distance, device and memory; re-ranking is not supported.
        top: number of people for each probe; default: 5.
        threshold: largest distance at which a probe is accepted; default: none.

    Raises:
        ProtocolError: if the gallery or the probes are empty.
        ShapeError: if the embeddings have different shapes.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the options ask for re-ranking.
    """
    people = _nearest_people(probes, gallery, top, options)
    return [
        Identified(
            key,
            tuple(
                Candidate(gallery.keys[column].identity, gallery.keys[column], float(distance))
                for column, distance in zip(columns, distances, strict=True)
            ),
            None if threshold is None else bool(distances[0] <= threshold),
        )
        for key, columns, distances in zip(probes.keys, people.columns, people.distances, strict=True)
    ]


def _nearest_people(probes: Embeddings, gallery: Embeddings, k: int, options: MatchingOptions | None) -> Nearest:
    rows = checked_rows(probes, gallery, options)
    people = np.unique([key.identity for key in gallery.keys], return_inverse=True)[1]
    return nearest_groups(rows, np.arange(len(probes.keys)), np.arange(len(gallery.keys)), people, k)


def checked_rows(probes: Embeddings, gallery: Embeddings, options: MatchingOptions | None) -> RowBlocks:
    """Return a source of distances between probes and gallery.

    Args:
        probes: embeddings of the probes.
        gallery: embeddings of the enrolled people.
        options: distance, device and memory; re-ranking is not supported.

    Raises:
        ProtocolError: if the gallery or the probes are empty.
        ShapeError: if the embeddings have different shapes.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the options ask for re-ranking.
    """
    if options is not None and options.reranking is not None:
        raise SettingsError("reranking", "re-ranking", "none", "identify without re-ranking")
    for name, embeddings in (("the gallery", gallery), ("the probes", probes)):
        if not len(embeddings.keys):
            raise ProtocolError(
                name, "no sequence", "at least one", "add some with `skelgait enroll` or `skelgait embed`"
            )
        if not isinstance(embeddings.values, FileVectors):  # rows of a file are checked when they are read
            check_finite(as_floats(embeddings.values), embeddings.keys, name)
    return distance_rows(probes.values, gallery.values, options)


def check_same_checkpoint(files: Sequence[tuple[str, str]]) -> None:
    """Check that embedding files were made by one checkpoint.

    Args:
        files: path of each file and SHA-256 of its checkpoint.

    Raises:
        DataError: if the checkpoints differ.
    """
    (first_path, expected), *others = files
    for path, found in others:
        if found != expected:
            hint = "embed both with one checkpoint"
            raise DataError(path, f"the checkpoint {found[:12]}...", f"{expected[:12]}... as of {first_path}", hint)
