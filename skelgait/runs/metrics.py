"""Metrics that a training run logged, by the names it gave them, such as `triplet/loss`."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

_FRACTIONS = ("accuracy", "_share")


def logged_metrics(step: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of the losses at a logged step, without values that are not finite."""
    values = {name: number(step, name) for name in step if "/" in name}
    return {name: value for name, value in values.items() if value is not None}


def number(step: Mapping[str, Any], name: str) -> float | None:
    """Return a value of a logged step; None if it is missing or not finite."""
    value = step.get(name)
    return float(value) if isinstance(value, int | float) and isfinite(value) else None


def metric_label(name: str) -> str:
    """Return a metric's name for people, for example "triplet loss" for `triplet/loss`."""
    return name.replace("/", " ").replace("_", " ")


def is_fraction(name: str) -> bool:
    """Return True if a metric is a fraction in [0, 1], which is shown in percent: an accuracy or a share."""
    return name.endswith(_FRACTIONS)
