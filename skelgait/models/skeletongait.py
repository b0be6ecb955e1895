"""SkeletonGait, a network on skeleton maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelgait.models.blocks import ConvNormRelu, residual_layer
from skelgait.models.network import GaitNetwork


class MapLayers(nn.Module):
    """Layers 0 and 1 of SkeletonGait: a convolution and 2D residual blocks on single frames."""

    def __init__(self, channels: int, n_blocks: int) -> None:
        super().__init__()
        self.layer0 = ConvNormRelu(2, channels)
        self.layer1 = residual_layer(channels, n_blocks)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (F, 2, 64, 44) to (F, channels, 64, 44)."""
        features: Tensor = self.layer1(self.layer0(frames.contiguous(memory_format=torch.channels_last)))
        return features


class SkeletonGait(GaitNetwork):
    """SkeletonGait (Fan et al., AAAI 2024) on limb map and joint map, (F, 2, 64, 44)."""

    modalities = ("map",)
    front_layers = MapLayers
