"""Gait recognition from skeletons: skeleton maps, SkeletonGait and SkeletonGait++."""

__version__ = "0.1.0"
