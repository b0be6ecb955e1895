"""What an inspection is told, and what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from skelgait.errors import DataError
from skelgait.storage import Key

T = TypeVar("T")


class InspectionContext(NamedTuple):
    """Where to look.

    Attributes:
        path: a file or a folder.
        sample: some of its files.
        sequences: how many sequences to read at most.
        names: how paths are named, where it is not to be recognized.
    """

    path: Path
    sample: Sequence[Path]
    sequences: int
    names: str | None


@dataclass(frozen=True)
class Inspection:
    """What lies at a path.

    Attributes:
        what: in a few words.
        facts: shapes, counts and names, in the order in which they are told.
        problems: what would fail or mislead, each with the hint.
        next_command: what to run next; empty where there is nothing to run.
    """

    what: str
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: Sequence[str] = ()
    next_command: str = ""


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many items, evenly spaced, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(most - 1, 1))] for i in range(most)]


def read_each(read: Callable[[Key], T], keys: Sequence[Key]) -> tuple[dict[Key, T], list[str]]:
    """What `read` gives for each sequence, and what is wrong with those that cannot be read."""
    done, problems = {}, []
    for key in keys:
        try:
            done[key] = read(key)
        except DataError as error:
            problems.append(f"cannot be read: {error}")
    return done, problems


def key_facts(keys: Sequence[Key], n_read: int) -> dict[str, object]:
    """How many sequences, identities, conditions and views there are, and what they are called."""
    read = "" if n_read == len(keys) else f", {n_read} of them read"
    return {
        "sequences": f"{len(keys)}{read}",
        "identities": _some_of(key.identity for key in keys),
        "conditions": _some_of(key.condition for key in keys),
        "views": _some_of(key.view for key in keys),
    }


def length_facts(lengths: Sequence[int]) -> dict[str, object]:
    """Frames a sequence: the fewest, the middle one, the most."""
    ordered = sorted(lengths)
    return (
        {"frames a sequence": f"{ordered[0]} to {ordered[-1]}, median {ordered[len(ordered) // 2]}"} if ordered else {}
    )


def several(problems: Sequence[str], at_most: int = 3) -> list[str]:
    """The first problems of a kind, and how many more there are."""
    more = len(problems) - at_most
    return [*problems[:at_most], *([f"... and {more} more like that"] if more > 0 else [])]


def in_numbers(counts: Counter[str]) -> str:
    """What there is, with how many of each where there are several kinds."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{name} ({n})" for name, n in counts.most_common())


def _some_of(names: Iterable[str], most: int = 6) -> str:
    distinct = sorted(set(names))
    return f"{len(distinct)} ({', '.join(distinct[:most])}{', ...' if len(distinct) > most else ''})"
