"""Pose estimators by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skelgait.errors import SettingsError
from skelgait.video.estimator import MakeEstimator


def _mediapipe(model: Path | None, max_people: int) -> MakeEstimator:
    from skelgait.video.backends.mediapipe import mediapipe_estimator

    return mediapipe_estimator(model, max_people)


def _rtmlib(model: Path | None, max_people: int) -> MakeEstimator:
    from skelgait.video.backends.rtmlib import rtmlib_estimator

    return rtmlib_estimator(model, max_people)


ESTIMATORS: dict[str, Callable[[Path | None, int], MakeEstimator]] = {"mediapipe": _mediapipe, "rtmlib": _rtmlib}
"""Functions from the model file (None: the default) and the maximum number of people to an estimator, by name."""


def load_estimator(name: str, model: Path | None, max_people: int) -> MakeEstimator:
    """Return the estimator of a name.

    Args:
        name: name in `ESTIMATORS`.
        model: file of the model; None: the default of the estimator.
        max_people: maximum number of people in a frame.

    Raises:
        SettingsError: if there is no such estimator, or its package is not installed.
        DataError: if its model is missing or damaged.
    """
    if name not in ESTIMATORS:
        raise SettingsError("--estimator", name, " or ".join(ESTIMATORS), "choose one of these")
    return ESTIMATORS[name](model, max_people)
