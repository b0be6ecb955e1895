"""Training runs beside each other: what they came to, how their settings differ, and their curves."""

from skelgait.runs.differences import differing_settings
from skelgait.runs.plot import save_plot
from skelgait.runs.read import Run, find_runs
from skelgait.runs.summary import Summary, summarize

__all__ = ["Run", "Summary", "differing_settings", "find_runs", "save_plot", "summarize"]
