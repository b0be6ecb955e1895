"""What lies at a path."""

from skelgait.inspection.inspect import inspect_path
from skelgait.inspection.report import Inspection

__all__ = ["Inspection", "inspect_path"]
