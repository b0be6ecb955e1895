"""Raw pose layouts, as datasets and estimators give them: how each is recognised, read, and written as a pose tree."""

from skelgait.poses.collect import collect_poses
from skelgait.poses.recognise import LAYOUTS, open_raw, recognise

__all__ = ["LAYOUTS", "collect_poses", "open_raw", "recognise"]
