"""Batches: batch sampler, clips, frames, augmentation, and collation."""
