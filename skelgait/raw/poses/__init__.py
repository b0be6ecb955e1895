"""Raw pose layouts: how each is recognized and read."""

from skelgait.raw.poses.registry import LAYOUTS, open_raw, recognize_layout

__all__ = ["LAYOUTS", "open_raw", "recognize_layout"]
