"""Comparison of training runs: summaries, settings that differ, and plots."""

from skelgait.runs.differences import differing_settings
from skelgait.runs.metrics import is_fraction, metric_label
from skelgait.runs.plot import save_plot
from skelgait.runs.read import Run, find_runs
from skelgait.runs.summary import Summary, summarize

__all__ = ["Run", "Summary", "differing_settings", "find_runs", "is_fraction", "metric_label", "save_plot", "summarize"]
