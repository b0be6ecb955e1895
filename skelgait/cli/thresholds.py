"""Learned thresholds on the terminal: error rates, and why they may mean little."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from skelgait.cli.output import show_lines, show_table

if TYPE_CHECKING:
    from skelgait.evaluation.threshold import Threshold


def show_threshold(threshold: Threshold, sequences: str) -> None:
    """Print a threshold with its error rates.

    Args:
        threshold: learned threshold.
        sequences: description of the sequences that it was learned from.
    """
    from skelgait.reports.rows import percent

    show_lines("Threshold", [_describe(threshold)])
    rows = [
        [f"{100 * p.false_positive:g}", f"{p.distance:.4f}", percent(p.false_negative), percent(p.detected)]
        for p in threshold.operating_points
    ]
    if rows:
        title = f"Error rates of {sequences} (percent)"
        show_table(title, ["FPIR", "threshold", "FNIR", "DIR at rank 1"], rows[::-1], more="use --json")


def _describe(threshold: Threshold) -> str:
    """Return the threshold with its error rates."""
    text = (
        f"distance {threshold.distance:.4f}: accepts {100 * threshold.false_accepts:.2f} % "
        f"of {threshold.n_impostors} impostors"
    )
    if threshold.true_accepts is None:
        return text
    identified = f"{100 * threshold.true_accepts:.1f} % of {threshold.n_enrolled} sequences of enrolled people"
    return f"{text}, identifies {identified}"


def threshold_warnings(threshold: Threshold, false_accept: float, sequences: str) -> list[str]:
    """Return why the error rates may mean little.

    Args:
        threshold: learned threshold.
        false_accept: target false accept rate.
        sequences: description of the sequences that it was learned from.
    """
    notes = []
    n = threshold.n_impostors
    missing = sorted({rate for rate in (false_accept, 0.01, 0.001, 0.0001) if 0 < rate * n < 1}, reverse=True)
    if missing:
        rates = ", ".join(f"{100 * rate:g} % (at least {math.ceil(1 / rate)})" for rate in missing)
        notes.append(f"{n} {sequences} are too few for an FPIR of {rates}")
    if threshold.n_in_gallery:
        reason = "have the name of a gallery sequence; if they are the same, FNIR and DIR are too good"
        notes.append(f"{threshold.n_in_gallery} {sequences} {reason}")
    return notes
