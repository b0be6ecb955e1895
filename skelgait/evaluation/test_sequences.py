"""Who is compared with whom."""

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
    """The probes and the gallery of a group.

    Attributes:
        probes: (P,) numbers of sequences, ascending.
        gallery: (G,) likewise.
    """

    probes: Indices
    gallery: Indices


class TestSet:
    """The sequences that a protocol compares, each by its number.

    Args:
        keys: the sequences.
        camera_of_view: whether only the part of a view before `_` tells the camera.
        probes: the probes, where the partition names them one by one.

    Attributes:
        keys: the sequences.
        identities: (N,) whose each one is, as a number.
        views: (N,) its view, as a place in `view_names`.
        view_names: the views, sorted.
    """

    __test__ = False  # no class of tests

    def __init__(
        self, keys: Sequence[Key], *, camera_of_view: bool = False, probes: Collection[tuple[str, str, str]] = ()
    ) -> None:
        self.keys = keys
        self.identities: Indices = np.unique([key.identity for key in keys], return_inverse=True)[1].astype(np.int64)
        views = [key.view.split("_")[0] if camera_of_view else key.view for key in keys]
        names, numbers = np.unique(np.array(views, dtype=str), return_inverse=True)
        self.view_names: list[str] = names.tolist()
        self.views: Indices = numbers.astype(np.int64)
        self._is_named_probe = np.array([tuple(key) in probes for key in keys], dtype=bool)

    def select(self, patterns: Sequence[str]) -> Indices:
        """Sequences whose condition fits one of the patterns."""
        conditions = [key.condition for key in self.keys]
        fits = {c: any(fnmatchcase(c, pattern) for pattern in patterns) for c in set(conditions)}
        return np.flatnonzero([fits[condition] for condition in conditions])

    def members(self, group: Group) -> Members:
        """The probes and the gallery of a group."""
        if group.probes:
            return Members(self.select(group.probes), self.select(group.gallery))
        probes = np.flatnonzero(self._is_named_probe)
        return Members(probes, np.setdiff1d(self.select(group.gallery), probes))


def conditions_of(keys: Sequence[Key]) -> list[str]:
    """The conditions that sequences have, sorted."""
    return sorted({key.condition for key in keys})
