"""Thresholds that reject unknown people, learned from validation sequences or from the gallery itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings import Embeddings
from skelgait.errors import ProtocolError
from skelgait.evaluation.identification import checked_rows
from skelgait.evaluation.leave_one_out import GallerySearch
from skelgait.matching.open_set import NearestPeople, curve_points, nearest_people
from skelgait.matching.options import MatchingOptions

_FPIRS = (0.01, 0.001, 0.0001)
"""False positive identification rates of the operating points."""


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
    nearest = nearest_people(checked_rows(validation, gallery, options), people, column_people.astype(np.int64))
    gallery_keys = set(gallery.keys)
    n_in_gallery = sum(key in gallery_keys for key in validation.keys)
    if not np.isfinite(nearest.others).any():
        found = f"{len(identities)} sequences of the one person in the gallery"
        raise ProtocolError("--validation", found, "other people", "add validation sequences of other people")
    return _threshold_of(nearest, is_enrolled, false_accepts, n_in_gallery)


def learn_gallery_threshold(search: GallerySearch, false_accepts: float) -> Threshold:
    """Return the largest threshold at which at most a given share of the gallery's own sequences is taken for others.

    Each sequence is an impostor to all people except its own. Sequences of people who have another walk tell how many
    would be identified.

    Args:
        search: nearest people of all sequences of a gallery (leave one out).
        false_accepts: share of impostors that may be accepted, in [0, 1].

    Raises:
        ProtocolError: if the gallery has fewer than two people.
    """
    nearest = search.nearest
    if not np.isfinite(nearest.others).any():
        found = f"{len(search.gallery.keys)} sequences of one person"
        raise ProtocolError("the gallery", found, "at least two people", "add another person with `skelgait enroll`")
    return _threshold_of(nearest, np.isfinite(nearest.mates), false_accepts, 0)


def _threshold_of(
    nearest: NearestPeople, has_mate: NDArray[np.bool_], false_accepts: float, n_in_gallery: int
) -> Threshold:
    impostors = np.sort(nearest.others[np.isfinite(nearest.others)])
    threshold = _largest_threshold(impostors, false_accepts)
    mates, is_first = nearest.mates[has_mate], nearest.is_first[has_mate, 0]
    # Without a sequence of an enrolled person there is no curve.
    rates = curve_points(len(impostors), _FPIRS) if len(mates) else []
    points = [_operating_point(rate, impostors, mates, is_first) for rate in rates]
    return Threshold(
        distance=threshold,
        n_impostors=len(impostors),
        false_accepts=float((impostors <= threshold).mean()),
        n_enrolled=len(mates),
        true_accepts=float((is_first & (mates <= threshold)).mean()) if len(mates) else None,
        n_in_gallery=n_in_gallery,
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
