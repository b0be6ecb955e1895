"""Pose landmark task of MediaPipe: several people a frame, with masks, on a CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError, reason_of
from skelgait.skeletons import MEDIAPIPE
from skelgait.video.estimator import MakeEstimator, Person, person_box
from skelgait.video.pose_bundle import find_bundle
from skelgait.video.quiet import quiet_stderr

# A pixel belongs to the person from this probability on.
_MASK_THRESHOLD = 0.5
# Area of a piece of the mask, relative to the largest one, below which it is removed. A foot is larger.
_MIN_PIECE = 0.02


def mediapipe_estimator(model: Path | None, max_people: int) -> MakeEstimator:
    """Return MediaPipe's pose estimator.

    Args:
        model: `.task` bundle, or a wheel with models, see `find_bundle`; None: the default one.
        max_people: maximum number of people in a frame.

    Raises:
        SettingsError: if mediapipe is not installed.
        DataError: if the model is missing or damaged.
    """
    try:
        import mediapipe  # noqa: F401
    except ImportError as error:
        hint = 'run: pip install "skelgait[video]"'
        raise SettingsError("--estimator mediapipe", "no package mediapipe", "the package mediapipe", hint) from error
    bundle = find_bundle(model)
    return lambda: _Landmarker(bundle, max_people)


class _Landmarker:
    """Pose landmarker of one video.

    The confidence of a joint is its visibility: MediaPipe defines it as present in the image and not occluded, and
    its presence says nothing more.
    """

    def __init__(self, bundle: Path, max_people: int) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        options = vision.PoseLandmarkerOptions(
            base_options=BaseOptions(model_asset_path=str(bundle)),
            running_mode=vision.RunningMode.VIDEO,
            num_poses=max_people,
            output_segmentation_masks=True,
        )
        try:
            # MediaPipe describes its model on stderr when it loads it. Later it warns once of its memory and crops: at
            # the first image, the first person, or another one.
            with quiet_stderr():
                self._landmarker: Any = vision.PoseLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            hint = "remove the file, or pass another one with --model"
            found = f"a model that MediaPipe cannot load ({reason_of(error)})"
            raise DataError(bundle, found, "a bundle of the pose landmark task", hint) from error
        self._last_ms = -1

    def __call__(self, image: NDArray[np.uint8], time_s: float, /) -> list[Person]:
        import mediapipe

        # MediaPipe requires times that increase.
        self._last_ms = max(round(1000 * time_s), self._last_ms + 1)
        frame = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(image))
        with quiet_stderr():
            result = self._landmarker.detect_for_video(frame, self._last_ms)
        masks = result.segmentation_masks or [None] * len(result.pose_landmarks)
        return [_person(body, mask, image) for body, mask in zip(result.pose_landmarks, masks, strict=True)]

    def close(self) -> None:
        with quiet_stderr():
            self._landmarker.close()


def _person(landmarks: Any, mask: Any, image: NDArray[np.uint8]) -> Person:
    height, width = image.shape[:2]
    values = np.array([(point.x * width, point.y * height, point.visibility) for point in landmarks], np.float32)
    joints = np.asarray(MEDIAPIPE.to_coco17(values[None])[0], np.float32)
    box = person_box(joints, width, height)
    cut = None
    if mask is not None:
        probability = mask.numpy_view()[box.top : box.bottom, box.left : box.right].reshape(
            box.bottom - box.top, box.right - box.left
        )
        cut = without_specks(probability > _MASK_THRESHOLD)
    return Person(joints, box, float(joints[:, 2].mean()), cut)


def without_specks(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a mask as 0 and 255 without small pieces: parts of other people, which would move the alignment."""
    _, pieces, facts, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    areas = facts[:, cv2.CC_STAT_AREA]
    is_kept = areas >= _MIN_PIECE * areas[1:].max(initial=0)
    is_kept[0] = False  # the background
    return np.where(is_kept[pieces], np.uint8(255), np.uint8(0))
