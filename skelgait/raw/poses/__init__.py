"""Raw pose layouts of datasets and pose estimators: one module per layout."""

from skelgait.raw.poses.json_stream import report_bytes
from skelgait.raw.poses.options import read_options
from skelgait.raw.poses.registry import LAYOUTS, open_raw, recognize_layout

__all__ = ["LAYOUTS", "open_raw", "read_options", "recognize_layout", "report_bytes"]
