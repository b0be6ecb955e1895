"""Networks for gait recognition: SkeletonGait, SkeletonGait++, their blocks and a registry.

The classes are imported on first use, so that the registry is available without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_MODULES = {
    "GaitNetwork": "network",
    "NetworkOutput": "network",
    "SkeletonGait": "skeletongait",
    "SkeletonGaitPlus": "skeletongait_plus",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
