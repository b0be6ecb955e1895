"""Sequences of a gallery that are alike, on the terminal and as JSON."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skelgait.evaluation.leave_one_out import NearDuplicate
    from skelgait.pipelines.gallery_changes import Similarities
    from skelgait.storage import Key

_MAX_WARNINGS = 10
_MAX_NAMES = 10


def similarities_as_json(similar: Similarities) -> dict[str, object]:
    """Return near-duplicates and repeats as JSON data."""
    pairs = [
        {"sequence": str(pair.sequence), "other": str(pair.other), "distance": pair.distance, "typical": pair.typical}
        for pair in similar.near_duplicates
    ]
    repeats = [{"sequence": str(second), "other": str(first)} for first, second in similar.repeats]
    return {"near_duplicates": pairs, "repeats": repeats}


def similarity_warnings(gallery: Path, similar: Similarities) -> list[str]:
    """Return warnings about two people who may be one, nearest first, and about walks that were enrolled twice.

    Args:
        gallery: path of the gallery.
        similar: sequences that are alike; near-duplicates are sorted by distance.
    """
    by_people: dict[tuple[str, str], list[NearDuplicate]] = {}
    for pair in similar.near_duplicates:
        by_people.setdefault((pair.sequence.identity, pair.other.identity), []).append(pair)
    by_person: dict[str, list[tuple[Key, Key]]] = {}
    for walks in similar.repeats:
        by_person.setdefault(walks[0].identity, []).append(walks)
    return [
        *_limited([_duplicates(gallery, pairs) for pairs in by_people.values()], "pairs of people"),
        *_limited([_repeats(gallery, name, pairs) for name, pairs in by_person.items()], "people with repeated walks"),
    ]


def _limited(warnings: list[str], unit: str) -> list[str]:
    n_more = len(warnings) - _MAX_WARNINGS
    return [*warnings[:_MAX_WARNINGS], *([f"{n_more} more {unit}; --json lists all"] if n_more > 0 else [])]


def _duplicates(gallery: Path, pairs: list[NearDuplicate]) -> str:
    pair, sequences = pairs[0], "1 sequence" if len(pairs) == 1 else f"{len(pairs)} sequences"
    name, other = pair.sequence.identity, pair.other.identity
    nearest = f"{pair.sequence} and {pair.other} at distance {pair.distance:.4f}"
    reason = f"has nearly the same embedding as {other}"
    if pair.typical is not None:
        reason = f"is as near to {other} as sequences of one person are to each other ({pair.typical:.4f})"
    return (
        f"{name} {reason}, in {sequences} (nearest: {nearest}); if it is one person, run "
        f"`skelgait gallery remove {shlex.quote(str(gallery))} {shlex.quote(name)}`"
    )


def _repeats(gallery: Path, name: str, pairs: list[tuple[Key, Key]]) -> str:
    repeats = list(dict.fromkeys(str(second) for _, second in pairs))
    sequences = "1 sequence has" if len(repeats) == 1 else f"{len(repeats)} sequences have"
    names = " ".join(map(shlex.quote, repeats[:_MAX_NAMES]))
    return (
        f"{name}: {sequences} nearly the same embedding as another one ({pairs[0][1]} and {pairs[0][0]}); if it is the "
        f"same walk, run `skelgait gallery remove {shlex.quote(str(gallery))} {names}`"
    )
