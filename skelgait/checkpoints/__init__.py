"""Checkpoint files: format, architecture, weight mismatches, initial weights, and the checkpoint folder of a run."""
