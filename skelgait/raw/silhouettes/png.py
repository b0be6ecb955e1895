"""Reader of silhouette images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from skelgait.errors import DataError, reading
from skelgait.raw.silhouettes.image_size import image_size

MAX_MEGAPIXELS = 64
"""Default limit of the size of an image; 8K video has 33 megapixels."""
_EXPECTED = "a PNG of a silhouette"
_HINT = "download or export it again"


def read_silhouette(path: Path, max_megapixels: int = MAX_MEGAPIXELS) -> NDArray[np.uint8]:
    """Read an image in grayscale; masks of 0 and 1 become 0 and 255.

    Args:
        path: PNG file of any color type, with 8 or 16 bits; JPEG and BMP are read too.
        max_megapixels: maximum width times height in millions; larger images are refused before they are decoded.

    Returns:
        (H, W) uint8 in [0, 255].

    Raises:
        DataError: if the file cannot be read, is damaged, or is larger.
    """
    with reading(path, _EXPECTED, _HINT, "a damaged image", (cv2.error,)):
        content = path.read_bytes()
        _check_size(path, content, max_megapixels)
        image: NDArray[Any] | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYDEPTH)
        if image is None or image.dtype not in (np.uint8, np.uint16):
            raise DataError(path, "no image, or a damaged one", _EXPECTED, _HINT)
        if image.max() == 1:
            image = image * 255
        elif image.dtype == np.uint16:
            image = image // 256
        return image.astype(np.uint8, copy=False)


def _check_size(path: Path, content: bytes, max_megapixels: int) -> None:
    size = image_size(content)
    if size is None:
        raise DataError(path, "no image of the kind PNG, JPEG or BMP, or a damaged one", _EXPECTED, _HINT)
    width, height = size
    if width * height > max_megapixels * 1_000_000:
        hint = "if this is right, pass a larger --max-megapixels; reading it takes about 2 bytes of memory per pixel"
        raise DataError(path, f"an image of {width} x {height} pixels", f"at most {max_megapixels} megapixels", hint)
