"""Synthetic people who walk: anthropometry, gait, cameras, silhouettes."""

from skelgait.synth.dataset import SynthReport, write_walkers

__all__ = ["SynthReport", "write_walkers"]
