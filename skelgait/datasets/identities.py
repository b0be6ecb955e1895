"""Selection of sequences by identity."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from skelgait.errors import DataError


class _HasIdentity(Protocol):
    @property
    def identity(self) -> str: ...


_N_NAMED = 3

K = TypeVar("K", bound=_HasIdentity)


def select_identities(
    keys: Collection[K],
    identities: Collection[str],
    path: Path,
    role: str,
    hint: str = "pass the right --dataset, or your own --partition",
) -> list[K]:
    """Return the keys with one of the given identities, in order.

    Args:
        keys: keys of the sequences at `path`.
        identities: identities to select.
        path: path of the sequences, for the error.
        role: purpose of the identities, for the error, such as "training" or "test".
        hint: hint of the error.

    Raises:
        DataError: if there is no such key.
    """
    selected = [key for key in keys if key.identity in identities]
    if not selected:
        found, expected = _first({key.identity for key in keys}), _first(identities)
        raise DataError(path, f"identities {found}", f"{role} identities {expected}", hint)
    return selected


@dataclass(frozen=True)
class MissingPeople:
    """Listed people without any sequence.

    Attributes:
        role: purpose of the identities, such as "training" or "test".
        number: number of missing people.
        listed: number of all listed people.
        first: identities of the first few, sorted.
    """

    role: str
    number: int
    listed: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        """Return the number of missing people, and the first few, as the beginning of a sentence."""
        names = ", ".join(self.first) + ", ..." * (self.number > len(self.first))
        return f"{self.number} of {self.listed} listed {self.role} people are missing on disk ({names})"


def find_missing(keys: Collection[_HasIdentity], identities: Collection[str], role: str) -> MissingPeople | None:
    """Return the listed people without a sequence; None if there are none.

    Args:
        keys: keys of all sequences.
        identities: listed identities.
        role: purpose of the identities, such as "training" or "test".
    """
    missing = sorted(set(identities) - {key.identity for key in keys})
    return MissingPeople(role, len(missing), len(set(identities)), tuple(missing[:_N_NAMED])) if missing else None


def _first(identities: Iterable[str]) -> str:
    names = sorted(identities)
    return ", ".join(names[:5]) + ", ..." * (len(names) > 5) or "(none)"
