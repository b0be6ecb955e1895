"""Input and result of an inspection, and helpers to describe sequences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from skelgait.display import Row, Tabular
from skelgait.errors import DataError
from skelgait.storage import Key

T = TypeVar("T")


class InspectionContext(NamedTuple):
    """Input of an inspection.

    Attributes:
        path: file or folder to inspect.
        sample: first files at the path.
        sequences: maximum number of sequences to read.
        names: template of the paths, see `skelgait.raw.keys.sequence_keys`; None: recognize.
        pictures: folder of the pictures; None: draw none.
    """

    path: Path
    sample: Sequence[Path]
    sequences: int
    names: str | None
    pictures: Path | None = None


@dataclass(frozen=True, repr=False)
class Inspection(Tabular):
    """Result of an inspection.

    Attributes:
        description: short description of the content.
        facts: shapes, counts and names, in display order.
        problems: problems that make commands fail or spoil results, each with a hint.
        next_command: command to run next; empty if there is none.
    """

    description: str
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: Sequence[str] = ()
    next_command: str = ""

    def headline(self) -> str:
        """Return the description of the content."""
        return self.description

    def rows(self) -> list[Row]:
        """Return one row for each fact, each problem and the next command."""
        rows: list[Row] = [{"name": name, "value": value} for name, value in self.facts.items()]
        rows += [{"name": "problem", "value": problem} for problem in self.problems]
        return rows + ([{"name": "next command", "value": self.next_command}] if self.next_command else [])


def evenly_spaced(items: Sequence[T], n: int) -> list[T]:
    """Return at most `n` items, evenly spaced, including the first and the last."""
    if len(items) <= n:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(n - 1, 1))] for i in range(n)]


def read_sequences(read: Callable[[Key], T], keys: Sequence[Key]) -> tuple[dict[Key, T], list[str]]:
    """Read sequences; return the results by key, and a problem for each sequence that cannot be read."""
    sequences, problems = {}, []
    for key in keys:
        try:
            sequences[key] = read(key)
        except DataError as error:
            problems.append(f"cannot be read: {error}")
    return sequences, problems


def key_facts(keys: Sequence[Key], n_read: int) -> dict[str, object]:
    """Return the number of sequences, and number and examples of identities, conditions and views."""
    read = "" if n_read == len(keys) else f", {n_read} of them read"
    return {
        "sequences": f"{len(keys)}{read}",
        "identities": _count_distinct(key.identity for key in keys),
        "conditions": _count_distinct(key.condition for key in keys),
        "views": _count_distinct(key.view for key in keys),
    }


def length_facts(lengths: Sequence[int]) -> dict[str, object]:
    """Return minimum, maximum and median of the sequence lengths; empty if there is no sequence."""
    if not lengths:
        return {}
    ordered = sorted(lengths)
    return {"frames per sequence": f"{ordered[0]} to {ordered[-1]}, median {ordered[len(ordered) // 2]}"}


def first_problems(problems: Sequence[str], n: int = 3) -> list[str]:
    """Return the first `n` problems of a kind, and the number of other ones."""
    n_more = len(problems) - n
    return [*problems[:n], *([f"... and {n_more} similar problems"] if n_more > 0 else [])]


def format_counts(counts: Counter[str]) -> str:
    """Format values with their counts; without the count if there is one value."""
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{value} ({n})" for value, n in counts.most_common())


def _count_distinct(names: Iterable[str], n_examples: int = 6) -> str:
    distinct = sorted(set(names))
    return f"{len(distinct)} ({', '.join(distinct[:n_examples])}{', ...' if len(distinct) > n_examples else ''})"
