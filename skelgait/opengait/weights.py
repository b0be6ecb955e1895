"""Translation of weight names between skelgait and OpenGait.

Order, shapes and values of the weights are the same; only parts of the names differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

# Parts of names in skelgait and OpenGait, replaced in this order: long parts before short ones that they contain.
_PARTS = (
    ("front.silhouette_layer0.", "sil_layer0.forward_block."),
    ("front.silhouette_layer1.", "sil_layer1.forward_block."),
    ("front.map_layer0.", "map_layer0.forward_block."),
    ("front.map_layer1.", "map_layer1.forward_block."),
    ("front.layer0.", "layer0.forward_block."),
    ("front.layer1.", "layer1.forward_block."),
    ("front.fusion.squeeze.", "fusion.conv.forward_block.0."),
    ("front.fusion.norm1.", "fusion.conv.forward_block.1."),
    ("front.fusion.mix.", "fusion.conv.forward_block.3."),
    ("front.fusion.norm2.", "fusion.conv.forward_block.4."),
    ("front.fusion.expand.", "fusion.conv.forward_block.6."),
    (".norm1.", ".bn1."),
    (".norm2.", ".bn2."),
    (".spatial1.", ".conv1.forward_block."),
    (".spatial2.", ".conv2.forward_block."),
    (".temporal_conv.", ".shortcut3d."),
    (".temporal_norm.", ".sbn."),
    (".shortcut.", ".downsample."),
    ("part_linear.weight", "FCs.fc_bin"),
    ("neck.class_weight", "BNNecks.fc_bin"),
    ("neck.norm.", "BNNecks.bn1d."),
)


def to_opengait(state_dict: Mapping[str, T]) -> dict[str, T]:
    """Return a state dict of skelgait with OpenGait names, in the same order.

    Args:
        state_dict: values by name in skelgait.
    """
    return {_rename(name, _PARTS): value for name, value in state_dict.items()}


def from_opengait(state_dict: Mapping[str, T], names: Iterable[str] = ()) -> dict[str, T]:
    """Return a state dict of OpenGait with the names of skelgait, in the same order. Unknown names stay unchanged.

    Args:
        state_dict: values by OpenGait name.
        names: names of the network's weights in skelgait, if known. They decide if one of them has a part that OpenGait
            uses too, such as `.bn1.`.
    """
    parts = [(opengait, skelgait) for skelgait, opengait in _PARTS]
    known = {_rename(name, _PARTS): name for name in names}
    return {known.get(name) or _rename(name, parts): value for name, value in state_dict.items()}


def _rename(name: str, parts: Iterable[tuple[str, str]]) -> str:
    for old, new in parts:
        name = name.replace(old, new)
    return name
