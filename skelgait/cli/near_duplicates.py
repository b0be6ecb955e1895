"""Near-duplicates of other people in a gallery, on the terminal and as JSON."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skelgait.evaluation.leave_one_out import NearDuplicate


def duplicates_as_json(pairs: list[NearDuplicate]) -> list[dict[str, object]]:
    """Return near-duplicates as JSON data."""
    return [{"sequence": str(pair.sequence), "other": str(pair.other), "distance": pair.distance} for pair in pairs]


def duplicate_warnings(gallery: Path, pairs: list[NearDuplicate]) -> list[str]:
    """Return a warning for each two people who have sequences that may show one person, nearest first.

    Args:
        gallery: path of the gallery.
        pairs: near-duplicates, nearest first.
    """
    by_people: dict[tuple[str, str], list[NearDuplicate]] = {}
    for pair in pairs:
        by_people.setdefault((pair.sequence.identity, pair.other.identity), []).append(pair)
    return [_warning(gallery, similar[0], len(similar)) for similar in by_people.values()]


def _warning(gallery: Path, pair: NearDuplicate, n: int) -> str:
    name, other = pair.sequence.identity, pair.other.identity
    nearest = f"{pair.sequence} and {pair.other} at distance {pair.distance:.4f}"
    hint = f"skelgait gallery remove {shlex.quote(str(gallery))} {shlex.quote(name)}"
    sequences = "1 sequence" if n == 1 else f"{n} sequences"
    return (
        f"{name} is as near to {other} as sequences of one person are to each other, in {sequences} (nearest: "
        f"{nearest}); if it is one person, run `{hint}`"
    )
