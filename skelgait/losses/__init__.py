"""Batch-all triplet loss, cross entropy, and their sum."""

from skelgait.losses.cross_entropy import accuracy, cross_entropy_loss
from skelgait.losses.gait import GaitLoss, LossReport
from skelgait.losses.triplet import TripletTerms, batch_all_triplet_loss

__all__ = ["GaitLoss", "LossReport", "TripletTerms", "accuracy", "batch_all_triplet_loss", "cross_entropy_loss"]
