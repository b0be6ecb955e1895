"""Inspection of files and folders: content, problems, and the command to run next."""

from skelgait.inspection.inspect import inspect_path
from skelgait.inspection.report import Inspection

__all__ = ["Inspection", "inspect_path"]
