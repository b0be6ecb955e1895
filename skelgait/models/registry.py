"""The networks there are, by name."""

from __future__ import annotations

from collections.abc import Sequence

from skelgait.errors import SettingsError
from skelgait.models.network import GaitNetwork
from skelgait.models.skeletongait import SkeletonGait
from skelgait.models.skeletongait_plus import SkeletonGaitPlus

NETWORKS: dict[str, type[SkeletonGait] | type[SkeletonGaitPlus]] = {
    "skeletongait": SkeletonGait,
    "skeletongait++": SkeletonGaitPlus,
}


def build_network(
    name: str,
    *,
    channels: Sequence[int],
    blocks: Sequence[int],
    classes: int,
    embedding_width: int = 256,
    strips: int = 16,
) -> GaitNetwork:
    """A freshly initialized network.

    Args:
        name: a key of `NETWORKS`.
        channels: channels of layers 1 to 4.
        blocks: residual blocks of layers 1 to 4.
        classes: identities in training.
        embedding_width: D, width of the embedding of a strip.
        strips: S, horizontal strips; a divisor of 16.

    Raises:
        SettingsError: no network of that name, or `strips` does not divide 16.
    """
    if name not in NETWORKS:
        raise SettingsError("train.network.name", name, " or ".join(NETWORKS), "choose one of these")
    return NETWORKS[name](
        channels=channels, blocks=blocks, classes=classes, embedding_width=embedding_width, strips=strips
    )
