"""One check of a device, and its row of the table."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

Values = NDArray[Any] | str
"""Numbers, or a text."""

_SHOWN = 4


class CannotRunError(Exception):
    """Reason why a check cannot be carried out."""


class Row(NamedTuple):
    """Row of the table; `result` is ok, FAILED or skipped."""

    check: str
    expected: str
    measured: str
    result: str
    seconds: str


HEADER = Row("check", "expected", "measured", "result", "seconds")


def absolute(measured: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference."""
    return float(np.abs(measured.astype(np.float64) - expected.astype(np.float64)).max())


def relative(measured: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest difference, divided by the largest expected number."""
    return absolute(measured, expected) / float(np.abs(expected).max())


def shortfall(measured: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return by what share a number is below the expected one; 0 if it is larger."""
    return max(0.0, 1 - float(measured[0]) / float(expected[0]))


@dataclass(frozen=True)
class Check:
    """Comparison of numbers of a device with expected ones, or of a text with a part that it should have.

    Attributes:
        name: name in the table.
        expected: function of the device that returns what is expected, mostly from the CPU.
        measured: function of the device that returns what it gives.
        difference: function of measured and expected numbers.
        limit: largest difference that passes.
        unit: unit of the difference.
    """

    name: str
    expected: Callable[[torch.device], Values]
    measured: Callable[[torch.device], Values]
    difference: Callable[[NDArray[Any], NDArray[Any]], float] = absolute
    limit: float = 0
    unit: str = ""

    def row(self, device: torch.device) -> Row:
        """Carry out the check. An error is a failed check."""
        start = time.perf_counter()
        try:
            expected, measured, result = self._compare(self.expected(device), self.measured(device))
        except CannotRunError as reason:
            expected, measured, result = "", str(reason), "skipped"
        except Exception as error:
            traceback.print_exc()
            expected, measured, result = "no error", type(error).__name__, "FAILED"
        return Row(self.name, expected, measured, result, f"{time.perf_counter() - start:.1f}")

    def _compare(self, expected: Values, measured: Values) -> tuple[str, str, str]:
        if isinstance(expected, str) or isinstance(measured, str):
            return f"... {expected}", str(measured), "ok" if str(expected) in str(measured) else "FAILED"
        difference = self.difference(measured, expected) if measured.shape == expected.shape else np.inf
        # NaN is above any limit.
        result = "ok" if difference <= self.limit else "FAILED"
        limit = f"off by at most {self.limit:g} {self.unit}".rstrip()
        found = f"off by {difference:.2g} {self.unit}".rstrip()
        return _text(expected) + limit, _text(measured) + found, result


def _text(values: NDArray[Any]) -> str:
    """Return a few numbers as text; nothing for many."""
    return " ".join(f"{value:.4f}" for value in values) + ", " if values.size <= _SHOWN else ""


def table(rows: Iterable[Row]) -> str:
    """Return rows as lines with aligned columns, below the names of the columns."""
    lines = [HEADER, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
