"""Reader of silhouette images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError


def read_silhouette(path: Path) -> NDArray[np.uint8]:
    """Read an image in grayscale; masks of 0 and 1 become 0 and 255.

    Args:
        path: PNG file of any color type, with 8 or 16 bits.

    Returns:
        (H, W) uint8 in [0, 255].

    Raises:
        DataError: if the file cannot be read or is damaged.
    """
    image: NDArray[Any] | None
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_ANYDEPTH)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a readable PNG", "check the path") from error
    except cv2.error:  # an empty file, or an image that is too large
        image = None
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise DataError(path, "no image, or a damaged one", "a PNG of a silhouette", "download or export it again")
    if image.max() == 1:
        image = image * 255
    elif image.dtype == np.uint16:
        image = image // 256
    return image.astype(np.uint8, copy=False)
