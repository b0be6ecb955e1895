"""Sequences of an evaluation, and the probes and gallery of each group."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from skelgait.datasets import Group
from skelgait.storage import Key

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Members:
    """Probes and gallery of a group.

    Attributes:
        probes: (P,) indices of sequences, ascending.
        gallery: (G,) indices of sequences, ascending.
    """

    probes: Indices
    gallery: Indices


class EvaluationSet:
    """Sequences that a protocol compares, each with an index.

    Args:
        keys: the N sequences.
        camera_prefix: True if only the part of a view before `_` is the camera.
        probes: probes, if the partition names them.

    Attributes:
        keys: the N sequences.
        identities: (N,) identity of each sequence, as an index into `identity_names`.
        identity_names: identities, sorted.
        views: (N,) view of each sequence, as an index into `view_names`.
        view_names: views, sorted.
    """

    def __init__(
        self, keys: Sequence[Key], *, camera_prefix: bool = False, probes: Collection[tuple[str, str, str]] = ()
    ) -> None:
        self.keys = keys
        identity_names, identities = np.unique(np.array([key.identity for key in keys], str), return_inverse=True)
        self.identity_names: list[str] = identity_names.tolist()
        self.identities: Indices = identities.astype(np.int64)
        views = [key.view.split("_")[0] if camera_prefix else key.view for key in keys]
        names, indices = np.unique(np.array(views, dtype=str), return_inverse=True)
        self.view_names: list[str] = names.tolist()
        self.views: Indices = indices.astype(np.int64)
        self._is_named_probe = np.array([tuple(key) in probes for key in keys], dtype=bool)

    def select(self, patterns: Sequence[str]) -> Indices:
        """Return the indices of the sequences whose condition matches one of the patterns."""
        conditions = [key.condition for key in self.keys]
        matches = {c: any(fnmatchcase(c, pattern) for pattern in patterns) for c in set(conditions)}
        return np.flatnonzero([matches[condition] for condition in conditions])

    def members(self, group: Group) -> Members:
        """Return the probes and the gallery of a group."""
        if group.probes:
            return Members(self.select(group.probes), self.select(group.gallery))
        probes = np.flatnonzero(self._is_named_probe)
        return Members(probes, np.setdiff1d(self.select(group.gallery), probes))


def sorted_conditions(keys: Sequence[Key]) -> list[str]:
    """Return the conditions of sequences, sorted."""
    return sorted({key.condition for key in keys})
