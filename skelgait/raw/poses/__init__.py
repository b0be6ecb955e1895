"""Raw pose layouts: how each is recognized and read."""

from skelgait.raw.poses.recognise import LAYOUTS, open_raw, recognise

__all__ = ["LAYOUTS", "open_raw", "recognise"]
