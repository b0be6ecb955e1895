"""Open-set identification: the nearest enrolled people of each probe, and a threshold that rejects unknown people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.embeddings.embeddings import check_finite
from skelgait.embeddings.file_vectors import FileVectors
from skelgait.errors import DataError, ProtocolError, SettingsError
from skelgait.matching.distances import RowBlocks, distance_rows
from skelgait.matching.nearest import Nearest, nearest_groups
from skelgait.matching.open_set import curve_points, nearest_people
from skelgait.matching.options import MatchingOptions
from skelgait.matching.vectors import as_floats
from skelgait.storage import Key

_FPIRS = (0.01, 0.001, 0.0001)
"""False positive identification rates of the operating points."""


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
class OperatingPoint:
    """Error rates of the validation set at one false positive identification rate (FPIR).

    Attributes:
        false_positive: largest FPIR, in [0, 1].
        distance: largest distance at which it is not exceeded.
        false_negative: false negative identification rate (FNIR) at that distance: share of the sequences of enrolled
            people that do not return the right person, at any rank, in [0, 1].
        detected: detection and identification rate (DIR): share of them that return the right person at rank 1.
    """

    false_positive: float
    distance: float
    false_negative: float
    detected: float


@dataclass(frozen=True)
class Threshold:
    """Threshold learned from a validation set.

    Attributes:
        distance: largest distance at which a probe is accepted.
        n_impostors: number of validation sequences that were compared with people other than their own.
        false_accepts: share of these sequences that are accepted, in [0, 1].
        n_enrolled: number of validation sequences of enrolled people.
        true_accepts: share of these sequences that are accepted as the right person, in [0, 1]; None: there are none.
        n_in_gallery: number of validation sequences with the key of a gallery sequence.
        operating_points: error rates at an FPIR of 1, 0.1 and 0.01 %, except those finer than one sequence; empty if
            there is no sequence of an enrolled person.
        curve: error rates from the FPIR of one sequence to 1.
    """

    distance: float
    n_impostors: int
    false_accepts: float
    n_enrolled: int
    true_accepts: float | None
    n_in_gallery: int = 0
    operating_points: tuple[OperatingPoint, ...] = ()
    curve: tuple[OperatingPoint, ...] = ()


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
    names, column_people = np.unique([key.identity for key in gallery.keys], return_inverse=True)
    identities = np.array([key.identity for key in validation.keys], dtype=str)
    is_enrolled = np.isin(identities, names)
    people = np.where(is_enrolled, np.searchsorted(names, identities), -1)
    nearest = nearest_people(_rows(validation, gallery, options), people, column_people.astype(np.int64))
    impostors = np.sort(nearest.others[np.isfinite(nearest.others)])
    if not len(impostors):
        found = f"{len(identities)} sequences of the one person in the gallery"
        raise ProtocolError("--validation", found, "other people", "add validation sequences of other people")
    threshold = _largest_threshold(impostors, false_accepts)
    mates, is_first = nearest.mates[is_enrolled], nearest.is_first[is_enrolled, 0]
    # Without a sequence of an enrolled person there is no curve.
    rates = curve_points(len(impostors), _FPIRS) if len(mates) else []
    points = [_operating_point(rate, impostors, mates, is_first) for rate in rates]
    gallery_keys = set(gallery.keys)
    return Threshold(
        distance=threshold,
        n_impostors=len(impostors),
        false_accepts=float((impostors <= threshold).mean()),
        n_enrolled=len(mates),
        true_accepts=float((is_first & (mates <= threshold)).mean()) if len(mates) else None,
        n_in_gallery=sum(key in gallery_keys for key in validation.keys),
        operating_points=tuple(point for point in points if point.false_positive in _FPIRS),
        curve=tuple(points),
    )


def _largest_threshold(impostors: NDArray[np.float32], false_accepts: float) -> float:
    """Return the largest distance that accepts at most a share of the impostors, whose distances are ascending."""
    # A division, because 0.29 x 100 is less than 29 in floating point.
    n_allowed = int((np.arange(1, len(impostors) + 1) / len(impostors) <= false_accepts).sum())
    if n_allowed == len(impostors):
        return float(impostors[-1])
    return float(np.nextafter(impostors[n_allowed], np.float32(-np.inf)))


def _operating_point(
    rate: float, impostors: NDArray[np.float32], mates: NDArray[np.float32], is_first: NDArray[np.bool_]
) -> OperatingPoint:
    threshold = _largest_threshold(impostors, rate)
    if rate == 1:
        threshold = max(threshold, float(mates.max()))
    is_accepted = mates <= threshold
    return OperatingPoint(rate, threshold, float((~is_accepted).mean()), float((is_accepted & is_first).mean()))


def _nearest_people(probes: Embeddings, gallery: Embeddings, k: int, options: MatchingOptions | None) -> Nearest:
    rows = _rows(probes, gallery, options)
    people = np.unique([key.identity for key in gallery.keys], return_inverse=True)[1]
    return nearest_groups(rows, np.arange(len(probes.keys)), np.arange(len(gallery.keys)), people, k)


def _rows(probes: Embeddings, gallery: Embeddings, options: MatchingOptions | None) -> RowBlocks:
    if options is not None and options.reranking is not None:
        raise SettingsError("reranking", "re-ranking", "none", "identify without re-ranking")
    for name, embeddings in (("the gallery", gallery), ("the probes", probes)):
        if not len(embeddings.keys):
            raise ProtocolError(name, "no sequence", "at least one", "embed some with `skelgait embed`")
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
