"""Options of reading raw poses, from the text of their flags."""

from __future__ import annotations

from skelgait.raw.poses.detections import ReadOptions
from skelgait.skeletons import get_skeleton


def read_options(skeleton: str | None = None, image_size: str | None = None) -> ReadOptions:
    """Return the options of reading raw poses.

    Args:
        skeleton: name of the skeleton; None: recognize.
        image_size: width and height of the images, as 1920x1080; None: unknown.

    Raises:
        SettingsError: if the skeleton is unknown.
    """
    size = None
    if image_size is not None:
        width, height = image_size.split("x")
        size = int(width), int(height)
    return ReadOptions(get_skeleton(skeleton) if skeleton else None, size)
