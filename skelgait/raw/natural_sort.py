"""Natural sort order: numbers in names are compared by value."""

from __future__ import annotations

import re
from collections.abc import Iterable


def natural_sort(names: Iterable[str]) -> list[str]:
    """Sort names so that f9999 comes before f10000, with or without leading zeros."""
    return sorted(names, key=_sort_key)


def _sort_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return the text and numbers of a name in turn, and the name itself to break ties such as 1 and 01."""
    return tuple(int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))), name
