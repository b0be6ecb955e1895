"""Training: loop, state, precision, metrics and resume."""

from skelgait.training.train import TrainReport, train

__all__ = ["TrainReport", "train"]
