"""Base class of the networks: layers 2 to 4, pooling, strips and batch norm neck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from skelgait.errors import SettingsError
from skelgait.models.blocks import Pseudo3dLayer
from skelgait.models.inputs import FRAME_HW, Modality, channels_of, check_frames
from skelgait.models.neck import BNNeck
from skelgait.models.strips import PartLinear, horizontal_pyramid_pooling
from skelgait.models.temporal import temporal_max_pool

FEATURE_ROWS = FRAME_HW[0] // 4
"""Height of the last feature map: layers 2 and 3 halve the height."""


class NetworkOutput(NamedTuple):
    """Output of a network for N sequences, in float32.

    Attributes:
        embedding: (N, D, S), embedding 1: before the batch norm neck, used by the triplet loss.
        neck_embedding: (N, D, S), embedding 2: after the neck, unit length in each strip.
        logits: (N, classes, S), cosines between embedding 2 and the class weights.
    """

    embedding: Tensor
    neck_embedding: Tensor
    logits: Tensor


class GaitNetwork(nn.Module):
    """Base class: layers 0 and 1, three pseudo-3D layers, maximum over time, horizontal strips, batch norm neck.

    A subclass sets `modalities` and `front_layers`. Its batch norm layers are nn.BatchNorm1d, nn.BatchNorm2d or a
    subclass of these, since training in several processes replaces them by synchronized ones.

    Attributes:
        modalities: input of the network: ("map",) or ("map", "silhouette").
        in_channels: C of the frames, follows from `modalities`.
        front_layers: module of layers 0 and 1, called with the channels and blocks of layer 1. Maps frames
            (F, C, 64, 44) to features (F, channels, 64, 44).

    Args:
        channels: channels of layers 1 to 4.
        blocks: number of residual blocks in layers 1 to 4.
        classes: number of training identities.
        embedding_width: width D of the embedding of a strip.
        strips: number S of strips, a divisor of 16, the rows of the last feature map.

    Raises:
        SettingsError: if `strips` does not divide 16.
    """

    modalities: ClassVar[tuple[Modality, ...]]
    in_channels: ClassVar[int]
    front_layers: ClassVar[type[nn.Module]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.in_channels = len(channels_of(cls.modalities))

    def __init__(
        self, *, channels: Sequence[int], blocks: Sequence[int], classes: int, embedding_width: int, strips: int
    ) -> None:
        super().__init__()
        if FEATURE_ROWS % strips:
            raise SettingsError(
                "train.network.strips", str(strips), f"a divisor of {FEATURE_ROWS}", "choose 1, 2, 4, 8 or 16"
            )
        self.strips = strips
        self.front = self.front_layers(channels[0], blocks[0])
        self.layer2 = Pseudo3dLayer(channels[0], channels[1], blocks[1], stride=2)
        self.layer3 = Pseudo3dLayer(channels[1], channels[2], blocks[2], stride=2)
        self.layer4 = Pseudo3dLayer(channels[2], channels[3], blocks[3], stride=1)
        self.part_linear = PartLinear(strips, channels[3], embedding_width)
        self.neck = BNNeck(strips, embedding_width, classes)
        self.apply(_initialize)

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> NetworkOutput:
        """Return embeddings and logits of N sequences. In eval mode the sequences do not affect each other.

        Args:
            frames: (F, C, 64, 44) in [0, 1], frames of all sequences, one sequence after the other.
            lengths: N numbers of frames that sum to F.

        Raises:
            ShapeError: if frames or lengths have a wrong shape.
        """
        check_frames(frames, lengths, self.modalities)
        features = self.front(frames)
        for layer in (self.layer2, self.layer3, self.layer4):
            features = layer(features, lengths)
        features = temporal_max_pool(features, lengths)
        # The head determines the distances and is cheap, so it runs in float32 under autocast too.
        with torch.autocast(features.device.type, enabled=False):
            features = features.to(self.part_linear.weight.dtype)
            embedding = self.part_linear(horizontal_pyramid_pooling(features, self.strips))
            neck_embedding, logits = self.neck(embedding)
        return NetworkOutput(embedding, neck_embedding, logits)


def _initialize(module: nn.Module) -> None:
    """Initialize 2D convolutions with Xavier-uniform, batch norm with weights of N(1, 0.02) and zero bias.

    The other modules initialize their own weights.
    """
    if isinstance(module, nn.Conv2d):
        nn.init.xavier_uniform_(module.weight)
    elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, mean=1.0, std=0.02)
        nn.init.zeros_(module.bias)
