"""Architecture of a network, and how to infer it from the shapes of weights."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple, cast

import torch
from pydantic import ValidationError
from torch import Tensor

from skelgait.models import NETWORKS, GaitNetwork, build_network
from skelgait.models.network import FEATURE_ROWS
from skelgait.models.registry import network_class
from skelgait.opengait.weights import to_opengait
from skelgait.settings.training import NetworkSettings

ALLOWED_CLASSES = range(1, 10**9 + 1)
"""Numbers of training identities that settings allow."""


@dataclass(frozen=True)
class Architecture:
    """Arguments of `build_network`.

    Attributes:
        name: name of the network in `skelgait.models.NETWORKS`.
        channels: channels of layers 1 to 4.
        blocks: residual blocks of layers 1 to 4.
        classes: number of training identities.
        embedding_width: embedding width D of a strip.
        strips: number S of horizontal strips.
    """

    name: str
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    classes: int
    embedding_width: int
    strips: int

    def build(self) -> GaitNetwork:
        """Return a network with random initial weights."""
        return build_network(**asdict(self))

    def build_on_meta(self) -> GaitNetwork:
        """Return the network on torch's meta device: names and shapes without values or memory. Do not change it."""
        return _build_on_meta(self, cast("Hashable", network_class(self.name)))


# A file is compared with the same networks several times. The class is an argument, because a program may register
# another one under the same name.
@lru_cache(maxsize=32)
def _build_on_meta(architecture: Architecture, _network: Hashable) -> GaitNetwork:
    with torch.device("meta"):
        return architecture.build()


class Sizes(NamedTuple):
    """Architecture that was inferred from weights.

    Attributes:
        architecture: most likely architecture.
        unknown: attributes that neither a weight nor the settings of the file give, such as `classes` if the classifier
            is missing. Their value is 1 for the classes, and the default setting for the others.
    """

    architecture: Architecture
    unknown: frozenset[str]


class _SizeSource(NamedTuple):
    """Weights that have a certain size: pattern at the start of their OpenGait names, and the dimension."""

    pattern: str
    dimension: int


_FIRST_LAYERS = r"((map|sil)_)?layer[01]\."
_FIRST_WEIGHT = r"(conv1\.forward_block|downsample)\.0\.weight$"
_FCS, _CLASSIFIER = r"FCs\.fc_bin$", r"BNNecks\.fc_bin$"
_CHANNELS = (
    (_SizeSource(_FIRST_LAYERS, 0), _SizeSource(rf"layer2\.0\.{_FIRST_WEIGHT}", 1)),
    (_SizeSource(r"layer2\.", 0), _SizeSource(rf"layer3\.0\.{_FIRST_WEIGHT}", 1)),
    (_SizeSource(r"layer3\.", 0), _SizeSource(rf"layer4\.0\.{_FIRST_WEIGHT}", 1)),
    (_SizeSource(r"layer4\.", 0), _SizeSource(_FCS, 1)),
)
_BLOCKS = (r"(?:(?:map|sil)_)?layer1\.forward_block\.", r"layer2\.", r"layer3\.", r"layer4\.")
_EMBEDDING_WIDTH = (_SizeSource(_FCS, 2), _SizeSource(_CLASSIFIER, 1))
_STRIPS = (_SizeSource(_FCS, 0), _SizeSource(_CLASSIFIER, 0))
_CLASSES = (_SizeSource(_CLASSIFIER, 2),)

# Sizes that settings allow. With others, no network could be built for comparison.
_ALLOWED_WIDTHS = range(1, 2**16 + 1)
_ALLOWED_STRIPS = tuple(strips for strips in range(1, FEATURE_ROWS + 1) if FEATURE_ROWS % strips == 0)


def infer_sizes(weights: Mapping[str, Tensor], settings: Mapping[str, Any] | None = None) -> Sizes:
    """Return the sizes that most weights agree on. Some weights may be missing, unexpected or of the wrong shape.

    Args:
        weights: state dict with OpenGait names.
        settings: settings that the network was trained with, if known. Their `network` section gives the sizes that
            no weight gives, and the name of the network if the weights fit several.
    """
    stated = _network_settings(settings or {})
    default = stated or NetworkSettings()
    channels = [_majority(weights, sources, _ALLOWED_WIDTHS) for sources in _CHANNELS]
    blocks = [_count_blocks(weights, prefix) for prefix in _BLOCKS]
    classes = _majority(weights, _CLASSES, ALLOWED_CLASSES)
    embedding_width = _majority(weights, _EMBEDDING_WIDTH, _ALLOWED_WIDTHS)
    strips = _majority(weights, _STRIPS, _ALLOWED_STRIPS)
    architecture = Architecture(
        name=default.name,
        channels=tuple(size or default_size for size, default_size in zip(channels, default.channels, strict=True)),
        blocks=tuple(count or default_count for count, default_count in zip(blocks, default.blocks, strict=True)),
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


def _network_settings(settings: Mapping[str, Any]) -> NetworkSettings | None:
    """Return the network settings of a file; None if there are none or if they are not valid."""
    try:
        return NetworkSettings.model_validate(settings["network"])
    except (KeyError, ValidationError):
        return None


def _best_name(weights: Mapping[str, Tensor], architecture: Architecture) -> str:
    """Return the network with the most weights of these names; `architecture.name` wins a tie."""

    def n_common(name: str) -> int:
        expected = to_opengait(replace(architecture, name=name).build_on_meta().state_dict())
        return sum(weight in weights for weight in expected)

    return max([architecture.name, *NETWORKS], key=n_common)


def _majority(weights: Mapping[str, Tensor], sources: Iterable[_SizeSource], allowed: Iterable[int]) -> int | None:
    """Return the most frequent size, the first one if several are equally frequent; None if no weight has it."""
    counts = Counter(size for source in sources for size in _sizes_from(weights, source) if size in allowed)
    return counts.most_common(1)[0][0] if counts else None


def _sizes_from(weights: Mapping[str, Tensor], source: _SizeSource) -> Iterator[int]:
    for name, weight in weights.items():
        if weight.dim() > source.dimension and re.match(source.pattern, name):
            yield weight.shape[source.dimension]


def _count_blocks(weights: Mapping[str, Tensor], prefix: str) -> int:
    """Return the number of blocks in a layer.

    A gap in the numbering counts as missing blocks, unless there are more gaps than blocks up to that number.
    """
    numbers = sorted({int(match[1]) for name in weights if (match := re.match(rf"{prefix}(\d{{1,9}})\.", name))})
    return max((number + 1 for n_present, number in enumerate(numbers, 1) if number < 2 * n_present), default=0)
