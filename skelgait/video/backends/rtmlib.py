"""Pose estimation by rtmlib: RTMDet and RTMPose in onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import SettingsError
from skelgait.video.estimator import MakeEstimator, Person, person_box

Model = Callable[[NDArray[np.uint8]], tuple[NDArray[Any], NDArray[Any]]]
"""Function from a BGR image to the joints (M, 17, 2) in px and the scores (M, 17) of M people."""

# Mean score below which a detection is no person.
_MIN_SCORE = 0.3


def rtmlib_estimator(model: Path | None, max_people: int) -> MakeEstimator:
    """Return the pose estimator of rtmlib, which fetches its models on first use.

    Args:
        model: ONNX file of RTMO, which finds and describes people in one network; None: RTMDet and RTMPose.
        max_people: maximum number of people in a frame, those with the highest scores.

    Raises:
        SettingsError: if rtmlib is not installed.
    """
    try:
        from rtmlib import RTMO, Body
    except ImportError as error:
        hint = "run: pip install rtmlib onnxruntime"
        raise SettingsError("--estimator rtmlib", "no package rtmlib", "the package rtmlib", hint) from error
    network: Model = Body() if model is None else RTMO(str(model))
    return lambda: RtmlibEstimator(network, max_people)


class RtmlibEstimator:
    """Adapter of a model of rtmlib; it has no masks.

    Args:
        model: the model.
        max_people: maximum number of people in a frame.
    """

    def __init__(self, model: Model, max_people: int) -> None:
        self._model, self._max_people = model, max_people

    def __call__(self, image: NDArray[np.uint8], time_s: float, /) -> list[Person]:
        """See `PoseEstimator`."""
        xy, scores = self._model(np.ascontiguousarray(image[..., ::-1]))
        height, width = image.shape[:2]
        people = []
        for body, confidence in zip(xy, scores, strict=True):
            joints = np.concatenate([body, np.clip(confidence, 0, 1)[:, None]], axis=1).astype(np.float32)
            people.append(Person(joints, person_box(joints, width, height), float(joints[:, 2].mean())))
        likely = (person for person in people if person.score >= _MIN_SCORE)
        return sorted(likely, key=lambda person: -person.score)[: self._max_people]

    def close(self) -> None:
        """See `PoseEstimator`; the model serves the next video too."""
