"""The sizes of a network, and how they are read off its weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import torch
from pydantic import ValidationError
from torch import Tensor

from skelgait.models import NETWORKS, GaitNetwork, build_network
from skelgait.models.network import FEATURE_ROWS
from skelgait.opengait.weights import to_opengait
from skelgait.settings.training import NetworkSettings

POSSIBLE_CLASSES = range(1, 10**9 + 1)
"""Numbers of identities in training that settings allow."""


@dataclass(frozen=True)
class Architecture:
    """What `build_network` takes.

    Attributes:
        name: name of the network in `skelgait.models.NETWORKS`.
        channels: channels of layers 1 to 4.
        blocks: residual blocks of layers 1 to 4.
        classes: identities in training.
        embedding_width: D.
        strips: S.
    """

    name: str
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    classes: int
    embedding_width: int
    strips: int

    def build(self) -> GaitNetwork:
        """A freshly initialized network of this architecture."""
        return build_network(**asdict(self))

    def outline(self) -> GaitNetwork:
        """The network without values, on torch's meta device: it takes no memory, whatever the sizes."""
        with torch.device("meta"):
            return self.build()


class Sizes(NamedTuple):
    """What weights tell of their network.

    Attributes:
        architecture: the network's.
        untold: attributes that neither a weight nor the file's settings give, such as `classes` if the classifier is
            missing; 1 class, and the default settings for the others.
    """

    architecture: Architecture
    untold: frozenset[str]


class _Place(NamedTuple):
    """Names of weights, as a pattern from their start, and the dimension that tells a size."""

    pattern: str
    dimension: int


_FIRST_LAYERS = r"((map|sil)_)?layer[01]\."
_ENTRANCE = r"(conv1\.forward_block|downsample)\.0\.weight$"
_FCS, _CLASSIFIER = r"FCs\.fc_bin$", r"BNNecks\.fc_bin$"
_CHANNELS = (
    (_Place(_FIRST_LAYERS, 0), _Place(rf"layer2\.0\.{_ENTRANCE}", 1)),
    (_Place(r"layer2\.", 0), _Place(rf"layer3\.0\.{_ENTRANCE}", 1)),
    (_Place(r"layer3\.", 0), _Place(rf"layer4\.0\.{_ENTRANCE}", 1)),
    (_Place(r"layer4\.", 0), _Place(_FCS, 1)),
)
_BLOCKS = (r"(?:(?:map|sil)_)?layer1\.forward_block\.", r"layer2\.", r"layer3\.", r"layer4\.")
_EMBEDDING_WIDTH = (_Place(_FCS, 2), _Place(_CLASSIFIER, 1))
_STRIPS = (_Place(_FCS, 0), _Place(_CLASSIFIER, 0))
_CLASSES = (_Place(_CLASSIFIER, 2),)

# What settings allow, so that a network of the sizes found can be outlined.
_WIDTHS = range(1, 2**16 + 1)
_DIVISORS = tuple(strips for strips in range(1, FEATURE_ROWS + 1) if FEATURE_ROWS % strips == 0)


def sizes_of(weights: Mapping[str, Tensor], settings: Mapping[str, Any] | None = None) -> Sizes:
    """Return the sizes that most of the weights agree on; some may be missing, extra or of the wrong shape.

    Args:
        weights: state dict with OpenGait names.
        settings: settings that the network was trained with, if known. Their `network` section gives the sizes that
            no weight gives, and the name of the network if the weights fit several.
    """
    stated = _stated(settings or {})
    default = stated or NetworkSettings()
    channels = [_agreed(weights, places, _WIDTHS) for places in _CHANNELS]
    blocks = [_count_blocks(weights, prefix) for prefix in _BLOCKS]
    classes = _agreed(weights, _CLASSES, POSSIBLE_CLASSES)
    embedding_width = _agreed(weights, _EMBEDDING_WIDTH, _WIDTHS)
    strips = _agreed(weights, _STRIPS, _DIVISORS)
    architecture = Architecture(
        name=default.name,
        channels=tuple(found or usual for found, usual in zip(channels, default.channels, strict=True)),
        blocks=tuple(found or usual for found, usual in zip(blocks, default.blocks, strict=True)),
        classes=classes or 1,
        embedding_width=embedding_width or default.embedding_width,
        strips=strips or default.strips,
    )
    known = {
        "channels": all(channels) or stated,
        "blocks": all(blocks) or stated,
        "classes": classes,
        "embedding_width": embedding_width or stated,
        "strips": strips or stated,
    }
    return Sizes(
        replace(architecture, name=_best_name(weights, architecture)),
        frozenset(name for name, is_known in known.items() if not is_known),
    )


def _stated(settings: Mapping[str, Any]) -> NetworkSettings | None:
    """Return the settings of the network in a file; None if there are none or if they are not valid."""
    try:
        return NetworkSettings.model_validate(settings["network"])
    except (KeyError, ValidationError):
        return None


def _best_name(weights: Mapping[str, Tensor], architecture: Architecture) -> str:
    """Return the network with the most weights of these names; `architecture.name` wins a tie."""

    def n_common(name: str) -> int:
        expected = to_opengait(replace(architecture, name=name).outline().state_dict())
        return sum(weight in weights for weight in expected)

    return max([architecture.name, *NETWORKS], key=n_common)


def _agreed(weights: Mapping[str, Tensor], places: Iterable[_Place], allowed: Iterable[int]) -> int | None:
    """The size that most weights have at these places, the first of them where it is a draw; None where none tells."""
    counts = Counter(size for place in places for size in _sizes_at(weights, place) if size in allowed)
    return counts.most_common(1)[0][0] if counts else None


def _sizes_at(weights: Mapping[str, Tensor], place: _Place) -> Iterator[int]:
    for name, weight in weights.items():
        if weight.dim() > place.dimension and re.match(place.pattern, name):
            yield weight.shape[place.dimension]


def _count_blocks(weights: Mapping[str, Tensor], prefix: str) -> int:
    """Blocks of a layer: gaps count as missing blocks, unless there would be more gaps than blocks up to there."""
    numbers = sorted({int(match[1]) for name in weights if (match := re.match(rf"{prefix}(\d{{1,9}})\.", name))})
    return max((number + 1 for n_there, number in enumerate(numbers, 1) if number < 2 * n_there), default=0)
