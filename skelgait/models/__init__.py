"""Networks for gait recognition: SkeletonGait, SkeletonGait++, their blocks and a registry.

The classes are imported on first use, so that the registry is available without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skelgait import _lazy
from skelgait.models.registry import NETWORKS, build_network, network_class, register_network

if TYPE_CHECKING:
    from skelgait.models.network import GaitNetwork, NetworkOutput
    from skelgait.models.skeletongait import SkeletonGait
    from skelgait.models.skeletongait_plus import SkeletonGaitPlus

__all__ = [
    "NETWORKS",
    "GaitNetwork",
    "NetworkOutput",
    "SkeletonGait",
    "SkeletonGaitPlus",
    "build_network",
    "network_class",
    "register_network",
]

# Hidden from type checkers: they would accept any name, even a misspelled one.
if not TYPE_CHECKING:
    __getattr__ = _lazy(
        __name__,
        {
            "GaitNetwork": "network",
            "NetworkOutput": "network",
            "SkeletonGait": "skeletongait",
            "SkeletonGaitPlus": "skeletongait_plus",
        },
    )
