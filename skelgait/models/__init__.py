"""SkeletonGait and SkeletonGait++: blocks, heads, an explicit registry, and the authors' names on disk."""

from skelgait.models.authors import from_authors, to_authors
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
    "from_authors",
    "to_authors",
]
