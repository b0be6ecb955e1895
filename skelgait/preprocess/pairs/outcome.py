"""What becomes of the sequences of two sources that are joined."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from skelgait.storage import Key
from skelgait.storage.pairs import Cut

Outcome = Literal["paired", "trimmed", "matched", "no silhouettes", "no maps", "unequal", "unreadable"]
"""paired: all frames, as they lie; trimmed, matched: some of the frames; the others are left out."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
CUT_OUTCOMES: tuple[Outcome, ...] = ("trimmed", "matched")
PAIRED_OUTCOMES: tuple[Outcome, ...] = ("paired", *CUT_OUTCOMES)


@dataclass(frozen=True)
class SequencePairing:
    """What becomes of one sequence.

    Attributes:
        key: the sequence.
        outcome: what becomes of it.
        maps: number of its maps; None where there are none, or they cannot be read.
        silhouettes: number of its silhouettes likewise.
        reason: why it is left out, with the hint; or how it is paired, and from where where frames are cut.
        cut: the frames that are paired, where some are cut.
    """

    key: Key
    outcome: Outcome
    maps: int | None = None
    silhouettes: int | None = None
    reason: str = ""
    cut: Cut | None = field(default=None, compare=False)

    @property
    def is_paired(self) -> bool:
        """Whether it is a pair."""
        return self.outcome in PAIRED_OUTCOMES

    @property
    def paired(self) -> int:
        """Number of its frames that are paired."""
        if self.cut is not None:
            return len(self.cut.maps)
        return (self.maps or 0) if self.is_paired else 0

    def to_dict(self) -> dict[str, str | int | None]:
        """The columns of the report."""
        return {
            **self.key._asdict(),
            "outcome": self.outcome,
            "maps": self.maps,
            "silhouettes": self.silhouettes,
            "paired": self.paired,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Pairing:
    """The join of a source of maps and a source of silhouettes.

    Attributes:
        sequences: every sequence of either source, sorted.
    """

    sequences: tuple[SequencePairing, ...]

    @property
    def pairs(self) -> tuple[Key, ...]:
        """The sequences that pair up."""
        return tuple(sequence.key for sequence in self.sequences if sequence.is_paired)

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many sequences there are of each outcome."""
        return {outcome: len(self.of(outcome)) for outcome in OUTCOMES}

    def of(self, outcome: Outcome) -> tuple[SequencePairing, ...]:
        """The sequences of one outcome."""
        return tuple(sequence for sequence in self.sequences if sequence.outcome == outcome)

    def to_dict(self) -> dict[str, object]:
        """The pairing as plain lists of strings and numbers."""
        return {"counts": self.counts, "sequences": [sequence.to_dict() for sequence in self.sequences]}
