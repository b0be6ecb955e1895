"""The training loop, checkpoints and precision; readable from top to bottom."""

from skelgait.training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from skelgait.training.describe import CheckpointReport, describe_checkpoint
from skelgait.training.init import initial_weights
from skelgait.training.kept import find_checkpoint
from skelgait.training.train import TrainReport, train

__all__ = [
    "Checkpoint",
    "CheckpointReport",
    "TrainReport",
    "describe_checkpoint",
    "find_checkpoint",
    "initial_weights",
    "load_checkpoint",
    "save_checkpoint",
    "train",
]
