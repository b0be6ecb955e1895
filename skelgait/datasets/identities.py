"""Selection of sequences by identity."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from skelgait.errors import DataError


class _HasIdentity(Protocol):
    @property
    def identity(self) -> str: ...


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


def _first(identities: Iterable[str]) -> str:
    names = sorted(identities)
    return ", ".join(names[:5]) + ", ..." * (len(names) > 5) or "(none)"
