"""SkeletonGait and SkeletonGait++: blocks, heads and an explicit registry."""

from skelgait.models.network import GaitNetwork, NetworkOutput
from skelgait.models.registry import NETWORKS, build_network
from skelgait.models.skeletongait import SkeletonGait
from skelgait.models.skeletongait_plus import SkeletonGaitPlus

__all__ = [
    "NETWORKS",
    "GaitNetwork",
    "NetworkOutput",
    "SkeletonGait",
    "SkeletonGaitPlus",
    "build_network",
]
