"""Raw pose layouts of datasets and pose estimators: one module per layout.

The names below are imported on first use. The names of the layouts are therefore available without numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait import _lazy

if TYPE_CHECKING:
    from skelgait.raw.poses.json_stream import report_bytes
    from skelgait.raw.poses.opening import open_raw, recognize_layout
    from skelgait.raw.poses.options import read_options
    from skelgait.raw.poses.registry import LAYOUTS

__all__ = ["LAYOUTS", "open_raw", "read_options", "recognize_layout", "report_bytes"]

# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "LAYOUTS": "registry",
            "open_raw": "opening",
            "read_options": "options",
            "recognize_layout": "opening",
            "report_bytes": "json_stream",
        },
    )
