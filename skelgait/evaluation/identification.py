"""Open-set identification: the nearest enrolled people of each probe, and a threshold that rejects unknown people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.embeddings.embeddings import check_finite
from skelgait.errors import DataError, ProtocolError, SettingsError
from skelgait.matching.distances import distance_rows
from skelgait.matching.nearest import Nearest, nearest_groups
from skelgait.matching.options import MatchingOptions
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


@dataclass(frozen=True)
class Threshold:
    """Threshold learned from a validation set.

    Attributes:
        distance: largest distance at which a probe is accepted.
        n_impostors: number of validation sequences that were compared with people other than their own.
        false_accepts: share of these sequences that are accepted, in [0, 1].
        n_enrolled: number of validation sequences of enrolled people.
        true_accepts: share of these sequences that are accepted as the right person, in [0, 1]; None: there are none.
    """

    distance: float
    n_impostors: int
    false_accepts: float
    n_enrolled: int
    true_accepts: float | None


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


def learn_threshold(
    validation: Embeddings,
    gallery: Embeddings,
    false_accepts: float,
    options: MatchingOptions | None = None,
) -> Threshold:
    """Return the largest threshold at which at most a given share of impostors is accepted.

    Every validation sequence is an impostor to all enrolled people except its own person: its distance to the nearest
    of the others must be rejected. The share is the false positive identification rate of open-set identification. It
    is valid for galleries of this size.

    Args:
        validation: embeddings of people similar to the future probes.
        gallery: embeddings of the enrolled people.
        false_accepts: share of impostors that may be accepted, in [0, 1].
        options: distance, device and memory; re-ranking is not supported.

    Raises:
        ProtocolError: if the gallery or the validation set is empty, or there is no impostor.
        ShapeError: if the embeddings have different shapes.
        CheckpointError: if an embedding is not finite.
        SettingsError: if the options ask for re-ranking.
    """
    nearest = _nearest_people(validation, gallery, 2, options)
    identities = np.array([key.identity for key in validation.keys], dtype=str)
    enrolled = np.array([key.identity for key in gallery.keys], dtype=str)
    is_same = enrolled[nearest.columns] == identities[:, None]
    impostors = _nearest_other(nearest.distances, is_same)
    if not len(impostors):
        found = f"{len(identities)} sequences of the one person in the gallery"
        raise ProtocolError("--validation", found, "other people", "add validation sequences of other people")
    # A division, because 0.29 x 100 is less than 29 in floating point.
    n_allowed = int((np.arange(1, len(impostors) + 1) / len(impostors) <= false_accepts).sum())
    if n_allowed < len(impostors):
        threshold = float(np.nextafter(np.sort(impostors)[n_allowed], np.float32(-np.inf)))
    else:
        threshold = float(impostors.max())
    is_enrolled = np.isin(identities, enrolled)
    hits = is_same[:, 0] & (nearest.distances[:, 0] <= threshold)
    return Threshold(
        distance=threshold,
        n_impostors=len(impostors),
        false_accepts=float((impostors <= threshold).mean()),
        n_enrolled=int(is_enrolled.sum()),
        true_accepts=float(hits[is_enrolled].mean()) if is_enrolled.any() else None,
    )


def _nearest_people(probes: Embeddings, gallery: Embeddings, k: int, options: MatchingOptions | None) -> Nearest:
    if options is not None and options.reranking is not None:
        raise SettingsError("reranking", "re-ranking", "none", "identify without re-ranking")
    for name, embeddings in (("the gallery", gallery), ("the probes", probes)):
        if not len(embeddings.keys):
            raise ProtocolError(name, "no sequence", "at least one", "embed some with `skelgait embed`")
        if isinstance(embeddings.values, torch.Tensor):
            check_finite(embeddings.values, embeddings.keys, name)
    rows = distance_rows(probes.values, gallery.values, options)
    people = np.unique([key.identity for key in gallery.keys], return_inverse=True)[1]
    return nearest_groups(rows, np.arange(len(probes.keys)), np.arange(len(gallery.keys)), people, k)


def _nearest_other(distances: NDArray[np.float32], is_same: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance of each sequence to the nearest other person, for sequences that have one."""
    others = np.where(is_same, np.float32(np.inf), distances).min(1)
    return np.asarray(others[np.isfinite(others)])


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
