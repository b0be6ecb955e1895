"""Pose estimation by rtmlib: YOLOX and RTMPose, or RTMO, in onnxruntime."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, reason_of
from skelgait.video.estimator import MakeEstimator, Person, person_box

Model = Callable[[NDArray[np.uint8]], tuple[NDArray[Any], NDArray[Any]]]
"""Function from a BGR image to the joints (M, 17, 2) in px and the scores (M, 17) of M people."""

# Mean score below which a detection is no person.
_MIN_SCORE = 0.3


def rtmlib_estimator(model: Path | None, max_people: int) -> MakeEstimator:
    """Return the pose estimator of rtmlib.

    Args:
        model: ONNX file of RTMO, which finds and describes people in one network; None: YOLOX and RTMPose, which rtmlib
            fetches on first use.
        max_people: maximum number of people in a frame, those with the highest scores.

    Raises:
        SettingsError: if rtmlib is not installed.
        DataError: if the model is missing or damaged, or cannot be fetched.
    """
    try:
        import rtmlib  # noqa: F401
    except ImportError as error:
        hint = "run: pip install rtmlib"
        raise SettingsError("--estimator rtmlib", "no package rtmlib", "the package rtmlib", hint) from error
    # rtmlib prints the names of its models.
    with redirect_stdout(sys.stderr):
        network = _two_networks() if model is None else _rtmo(model)
    return lambda: RtmlibEstimator(network, max_people)


def _rtmo(path: Path) -> Model:
    from rtmlib import RTMO

    expected, hint = "an RTMO network as ONNX", "check --model"
    if not path.is_file():  # rtmlib would take it for an address
        raise DataError(path, "no such file", expected, hint)
    try:
        network: Model = RTMO(str(path))
    except Exception as error:  # onnxruntime has its own, without a common base
        raise DataError(path, f"a file that onnxruntime cannot load ({reason_of(error)})", expected, hint) from error
    return network


def _two_networks() -> Model:
    from rtmlib import Body

    try:
        body = Body()
    except OSError as error:
        hint = "connect to the internet, or pass an RTMO network as ONNX with --model"
        found = f"no models, and no connection to fetch them ({reason_of(error)})"
        raise DataError("--estimator rtmlib", found, "the models of rtmlib", hint) from error

    def estimate(image: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        boxes = body.det_model(image)
        if not len(boxes):  # RTMPose would take the whole image for a person
            return np.zeros((0, 17, 2)), np.zeros((0, 17))
        joints, scores = body.pose_model(image, bboxes=boxes)
        return joints, scores

    return estimate


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
