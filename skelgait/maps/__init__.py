"""Skeleton maps of one sequence: fill missing joints, normalize, draw, align."""

from skelgait.maps.kernels import JOINT, LIMB
from skelgait.maps.keypoints import as_keypoints
from skelgait.maps.pipeline import SkeletonMaps, skeleton_maps

__all__ = ["JOINT", "LIMB", "SkeletonMaps", "as_keypoints", "skeleton_maps"]
