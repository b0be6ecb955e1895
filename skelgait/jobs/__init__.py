"""Whole pieces of work from settings alone: they open what the settings name, and call the library."""

from skelgait.jobs.embed import EmbedReport, embed_run
from skelgait.jobs.evaluate import Evaluation, evaluate_run
from skelgait.jobs.identify import identify_probes
from skelgait.jobs.train import train_run

__all__ = ["EmbedReport", "Evaluation", "embed_run", "evaluate_run", "identify_probes", "train_run"]
