"""Frames in the order of their numbers, whether they are padded with zeros or not."""

from __future__ import annotations

import re
from collections.abc import Iterable


def natural_sort(names: Iterable[str]) -> list[str]:
    """Names sorted so that f9999 comes before f10000."""
    return sorted(names, key=_numeric_key)


def _numeric_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """The text and the numbers of a name in turn; and the name itself, where those are equal."""
    return tuple(int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]+)", name))), name
