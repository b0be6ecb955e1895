"""Who it is: probes among the people of a gallery, with a threshold for those who are not in it."""

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
    """A person whom a probe may be.

    Attributes:
        identity: who.
        sequence: the nearest of their sequences.
        distance: of that one.
    """

    identity: str
    sequence: Key
    distance: float


@dataclass(frozen=True)
class Identified:
    """A probe.

    Attributes:
        probe: the sequence.
        candidates: people, from the nearest on.
        is_known: whether the nearest is within the threshold; None where there is no threshold.
    """

    probe: Key
    candidates: tuple[Candidate, ...]
    is_known: bool | None


@dataclass(frozen=True)
class Threshold:
    """A threshold learned from a validation set.

    Attributes:
        distance: up to which a probe is taken for its nearest person.
        n_strangers: validation sequences that were compared with all people but their own.
        false_accepts: share of them that are accepted, in [0, 1].
        n_known: validation sequences of people of the gallery.
        true_accepts: share of those that are accepted as themselves; None where there are none.
    """

    distance: float
    n_strangers: int
    false_accepts: float
    n_known: int
    true_accepts: float | None


def identify(
    probes: Embeddings,
    gallery: Embeddings,
    options: MatchingOptions | None = None,
    *,
    top: int = 5,
    threshold: float | None = None,
) -> list[Identified]:
    """The people of a gallery who are nearest to each probe, each by the nearest of their sequences.

    The gallery passes by once and may be larger than the memory. A probe that is in it finds itself.

    Args:
        probes: who is asked for.
        gallery: who is known.
        top: people listed for each probe.
        threshold: distance up to which a probe is of its nearest person, and beyond which of nobody known.
        options: distance, device and memory; re-ranking is not supported.

    Raises:
        ProtocolError: the gallery is empty.
        ShapeError: the embeddings are of different shapes.
        CheckpointError: an embedding is not a finite number.
    """
    found = _nearest_people(probes, gallery, top, options)
    return [
        Identified(
            key,
            tuple(
                Candidate(gallery.keys[column].identity, gallery.keys[column], float(distance))
                for column, distance in zip(columns, distances, strict=True)
            ),
            None if threshold is None else bool(distances[0] <= threshold),
        )
        for key, columns, distances in zip(probes.keys, found.columns, found.distances, strict=True)
    ]


def learn_threshold(
    validation: Embeddings,
    gallery: Embeddings,
    false_accepts: float,
    options: MatchingOptions | None = None,
) -> Threshold:
    """The largest threshold at which at most a share of strangers is taken for somebody known.

    Every validation sequence is a stranger to everybody in the gallery but its own person, who is left aside: its
    distance to the nearest of the others is one at which it must not be accepted. This is the false positive
    identification rate of open-set identification; it holds for galleries of this size.

    Args:
        validation: sequences of people who are like those to come.
        gallery: who is known.
        false_accepts: the share, in [0, 1].
        options: distance, device and memory; re-ranking is not supported.

    Raises:
        ProtocolError: the gallery or the validation set is empty, or nobody in it is a stranger to anybody.
        ShapeError: the embeddings are of different shapes.
        CheckpointError: an embedding is not a finite number.
    """
    found = _nearest_people(validation, gallery, 2, options)
    own = np.array([key.identity for key in validation.keys], dtype=str)
    people = np.array([key.identity for key in gallery.keys], dtype=str)
    is_own = people[found.columns] == own[:, None]
    strangers = _nearest_other(found.distances, is_own)
    if not len(strangers):
        hint = "give validation sequences of other people"
        raise ProtocolError("--validation", f"{len(own)} sequences and one person in the gallery", "strangers", hint)
    # As a division, since 0.29 x 100 is a little less than 29 for a computer.
    allowed = int((np.arange(1, len(strangers) + 1) / len(strangers) <= false_accepts).sum())
    if allowed < len(strangers):
        threshold = float(np.nextafter(np.sort(strangers)[allowed], np.float32(-np.inf)))
    else:
        threshold = float(strangers.max())
    is_known = np.isin(own, people)
    hits = is_own[:, 0] & (found.distances[:, 0] <= threshold)
    return Threshold(
        threshold,
        len(strangers),
        float((strangers <= threshold).mean()),
        int(is_known.sum()),
        float(hits[is_known].mean()) if is_known.any() else None,
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


def _nearest_other(distances: NDArray[np.float32], is_own: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Of each sequence the distance to the nearest person who is not its own, as far as there is one."""
    others = np.where(is_own, np.float32(np.inf), distances).min(1)
    return np.asarray(others[np.isfinite(others)])


def refuse_other_networks(hashes: Sequence[tuple[str, str]]) -> None:
    """Refuse to compare embeddings of different checkpoints.

    Args:
        hashes: what is compared, and the SHA-256 of the checkpoint that made it.

    Raises:
        DataError: they differ.
    """
    (where, expected), *others = hashes
    for other, found in others:
        if found != expected:
            hint = "embed both with one checkpoint"
            raise DataError(other, f"the checkpoint {found[:12]}...", f"{expected[:12]}... as of {where}", hint)
