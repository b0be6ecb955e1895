"""Registry of networks by name. Importing it does not import torch.

To add a network, write a module with a subclass of `GaitNetwork` and add one line to `NETWORKS`. A program that uses
skelgait calls `register_network` instead. Settings, training, checkpoints and evaluation then accept the new name.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from skelgait.errors import SettingsError

if TYPE_CHECKING:
    from skelgait.models.network import GaitNetwork

NETWORKS: dict[str, str | type[GaitNetwork]] = {
    "skeletongait": "skelgait.models.skeletongait:SkeletonGait",
    "skeletongait++": "skelgait.models.skeletongait_plus:SkeletonGaitPlus",
}
"""Class of each network, or its "module:class" path, which is imported on first use."""


def register_network(name: str, network: str | type[GaitNetwork]) -> None:
    """Add a network under `name`, or replace the one that has this name.

    Args:
        name: value of `train.network.name`.
        network: subclass of `GaitNetwork`, or its path "module:class".
    """
    NETWORKS[name] = network


def network_class(name: str) -> type[GaitNetwork]:
    """Return the class of a network.

    Args:
        name: key of `NETWORKS`.

    Raises:
        SettingsError: if no network has this name.
    """
    if name not in NETWORKS:
        hint = "choose one of these, or call skelgait.models.register_network first"
        raise SettingsError("train.network.name", name, " or ".join(NETWORKS), hint)
    network = NETWORKS[name]
    if isinstance(network, str):
        module, _, attribute = network.partition(":")
        return cast("type[GaitNetwork]", getattr(import_module(module), attribute))
    return network


def build_network(
    name: str,
    *,
    channels: Sequence[int],
    blocks: Sequence[int],
    classes: int,
    embedding_width: int = 256,
    strips: int = 16,
) -> GaitNetwork:
    """Return a network with random initial weights.

    Args:
        name: key of `NETWORKS`.
        channels: channels of layers 1 to 4.
        blocks: residual blocks in layers 1 to 4.
        classes: number of training identities.
        embedding_width: embedding width D of a strip.
        strips: number S of horizontal strips, a divisor of 16.

    Raises:
        SettingsError: if no network has this name, or if `strips` does not divide 16.
    """
    return network_class(name)(
        channels=channels, blocks=blocks, classes=classes, embedding_width=embedding_width, strips=strips
    )
