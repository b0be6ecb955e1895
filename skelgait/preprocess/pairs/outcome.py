"""Outcome of pairing the sequences of two sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from skelgait.display import Row, Tabular
from skelgait.preprocess.pairs.offset import FrameOffset
from skelgait.storage import Key
from skelgait.storage.pairs import FramePairs

Outcome = Literal["paired", "trimmed", "matched", "no silhouettes", "no maps", "unequal", "unreadable"]
"""paired: all frames in order; trimmed, matched: some of the frames; others: the sequence is left out."""

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
PARTIAL_OUTCOMES: tuple[Outcome, ...] = ("trimmed", "matched")
PAIRED_OUTCOMES: tuple[Outcome, ...] = ("paired", *PARTIAL_OUTCOMES)


@dataclass(frozen=True)
class SequencePairing:
    """Outcome of one sequence.

    Attributes:
        key: the sequence.
        outcome: its outcome.
        maps: number of its maps; None: no maps, or unreadable.
        silhouettes: number of its silhouettes; None: no silhouettes, or unreadable.
        reason: reason and hint if it is left out; origin of the frames if some of them are paired.
        frame_pairs: paired frames; None: all frames in order, or none.
    """

    key: Key
    outcome: Outcome
    maps: int | None = None
    silhouettes: int | None = None
    reason: str = ""
    frame_pairs: FramePairs | None = field(default=None, compare=False)

    @property
    def is_paired(self) -> bool:
        """True if the sequence is a pair."""
        return self.outcome in PAIRED_OUTCOMES

    @property
    def paired(self) -> int:
        """Number of paired frames."""
        if self.frame_pairs is not None:
            return len(self.frame_pairs.maps)
        return (self.maps or 0) if self.is_paired else 0

    def to_dict(self) -> dict[str, str | int | None]:
        """Return the columns of the report."""
        return {
            **self.key._asdict(),
            "outcome": self.outcome,
            "maps": self.maps,
            "silhouettes": self.silhouettes,
            "paired": self.paired,
            "reason": self.reason,
        }


@dataclass(frozen=True, repr=False)
class Pairing(Tabular):
    """Outcome of pairing a source of maps with a source of silhouettes.

    Attributes:
        sequences: outcome of every sequence of either source, sorted by key.
        frame_offset: offset between the frame numbers of maps and silhouettes.
    """

    sequences: tuple[SequencePairing, ...]
    frame_offset: FrameOffset = field(default_factory=FrameOffset)

    @property
    def pairs(self) -> tuple[Key, ...]:
        """Keys of the paired sequences."""
        return tuple(sequence.key for sequence in self.sequences if sequence.is_paired)

    @property
    def counts(self) -> dict[Outcome, int]:
        """Number of sequences of each outcome."""
        return {outcome: len(self.with_outcome(outcome)) for outcome in OUTCOMES}

    def with_outcome(self, outcome: Outcome) -> tuple[SequencePairing, ...]:
        """Return the sequences with an outcome."""
        return tuple(sequence for sequence in self.sequences if sequence.outcome == outcome)

    def headline(self) -> str:
        """Return the number of sequences of each outcome."""
        return ", ".join(f"{n} {outcome}" for outcome, n in self.counts.items() if n) or "no sequences"

    def rows(self) -> list[Row]:
        """Return one row for each sequence, with the columns of the report."""
        return [dict(sequence.to_dict()) for sequence in self.sequences]

    def to_dict(self) -> dict[str, object]:
        """Return the pairing as plain lists of strings and numbers."""
        return {
            "counts": self.counts,
            "frame_offset": self.frame_offset.to_dict(),
            "sequences": [sequence.to_dict() for sequence in self.sequences],
        }
