"""Silhouettes out of image files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError


def read_silhouette(path: Path) -> NDArray[np.uint8]:
    """Read an image as gray; masks of 0 and 1 come out as 0 and 255.

    Args:
        path: a PNG of any kind.

    Returns:
        (H, W) in 0 to 255.

    Raises:
        DataError: it cannot be read, or is damaged.
    """
    image: NDArray[Any] | None
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_ANYDEPTH)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a PNG that can be read", "check the path") from error
    except cv2.error:  # no byte in it, or an image too large
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise DataError(path, "no image, or a damaged one", "a PNG of a silhouette", "fetch or export it again")
    if image.max() == 1:
        image = image * 255
    elif image.dtype == np.uint16:
        image = image // 256
    return image.astype(np.uint8, copy=False)
