"""Training runs beside each other: what they came to, how their settings differ, and their curves."""

from skelgait.run_list.differences import differing_settings
from skelgait.run_list.plot import save_plot
from skelgait.run_list.read import Run, find_runs
from skelgait.run_list.summary import Summary, summarise

__all__ = ["Run", "Summary", "differing_settings", "find_runs", "save_plot", "summarise"]
