"""Synthetic walkers: body measures, gait, cameras, silhouettes, and datasets of them."""

from skelgait.synth.dataset import SynthReport, write_walkers

__all__ = ["SynthReport", "write_walkers"]
