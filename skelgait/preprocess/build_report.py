"""Report of writing a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from skelgait.display import Row, Tabular
from skelgait.storage import Key


@dataclass(frozen=True, repr=False)
class BuildReport(Tabular):
    """Result of writing a dataset.

    Attributes:
        made: counts of each sequence written in this run, among them its `frames`.
        skipped: number of sequences that already existed.
        failed: sequences that could not be made, each with the reason.
        seconds: time taken.
        removed: sequences that were removed, because the source no longer has them.
        stale: sequences that the source does not have, and that were kept because they may have another source.
        faults: faults of the input of sequences that were written.
        details: other facts about each sequence written in this run.
    """

    made: Mapping[Key, Mapping[str, int]] = field(default_factory=dict)
    skipped: int = 0
    failed: tuple[tuple[Key, str], ...] = ()
    seconds: float = 0.0
    removed: tuple[Key, ...] = ()
    stale: tuple[Key, ...] = ()
    faults: tuple[str, ...] = ()
    details: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def sequences(self) -> int:
        """Number of sequences written in this run."""
        return len(self.made)

    @property
    def totals(self) -> Counter[str]:
        """Sums of the counts over all sequences written in this run."""
        totals: Counter[str] = Counter()
        for counts in self.made.values():
            totals.update(counts)
        return totals

    def __add__(self, other: BuildReport) -> BuildReport:
        """Return the report of both, as of two chunks; times, removed and stale sequences are left out."""
        return BuildReport(
            {**self.made, **other.made},
            self.skipped + other.skipped,
            self.failed + other.failed,
            faults=self.faults + other.faults,
            details={**self.details, **other.details},
        )

    def warnings(self) -> list[str]:
        """Return one sentence for each fault and failed sequence, and for the removed and the stale sequences."""
        sentences = list(self.faults)
        if self.removed:
            sentences.append(f"removed {_named(self.removed)}, because the source no longer has them")
        if self.stale:
            hint = "remove them, or write into another folder"
            sentences.append(f"found {_named(self.stale)} that the source does not have, and kept them; {hint}")
        return sentences + [f"{key}: {reason}" for key, reason in self.failed]

    def headline(self) -> str:
        """Return the numbers of sequences written, skipped and failed, and if there are any, removed and stale."""
        counts = {"removed": len(self.removed), "stale": len(self.stale)}
        more = "".join(f", {n} {outcome}" for outcome, n in counts.items() if n)
        return f"{self.sequences} sequences written, {self.skipped} skipped, {len(self.failed)} failed{more}"

    def rows(self) -> list[Row]:
        """Return one row for each sequence that was written, failed or removed, or is stale."""
        rows: list[Row] = [
            {"sequence": str(key), "outcome": "written", **n, **self.details.get(key, {})}
            for key, n in self.made.items()
        ]
        rows += [{"sequence": str(key), "outcome": "failed", "reason": reason} for key, reason in self.failed]
        rows += [{"sequence": str(key), "outcome": "removed"} for key in self.removed]
        return rows + [{"sequence": str(key), "outcome": "stale"} for key in self.stale]


def _named(keys: Sequence[Key]) -> str:
    """Return the number of sequences, and the names of the first ones."""
    first = ", ".join(map(str, keys[:3]))
    return f"{len(keys)} sequences ({first}{', ...' if len(keys) > 3 else ''})"
