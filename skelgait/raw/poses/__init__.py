"""Raw pose layouts: how each is recognized and read."""

from skelgait.raw.poses.recognize import LAYOUTS, open_raw, recognize

__all__ = ["LAYOUTS", "open_raw", "recognize"]
