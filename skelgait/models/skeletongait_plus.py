"""SkeletonGait++, a network on skeleton maps and silhouettes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelgait.models.blocks import ConvNormRelu, residual_layer
from skelgait.models.fusion import AttentionFusion
from skelgait.models.network import GaitNetwork

SILHOUETTE = 2
"""Index of the silhouette channel, after limb map and joint map."""


class FusedLayers(nn.Module):
    """Layers 0 and 1 of SkeletonGait++: separate branches for maps and silhouette, then attention fusion."""

    def __init__(self, channels: int, n_blocks: int) -> None:
        super().__init__()
        self.silhouette_layer0 = ConvNormRelu(1, channels)
        self.map_layer0 = ConvNormRelu(2, channels)
        self.silhouette_layer1 = residual_layer(channels, n_blocks)
        self.map_layer1 = residual_layer(channels, n_blocks)
        self.fusion = AttentionFusion(channels)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (F, 3, 64, 44) to (F, channels, 64, 44)."""
        maps = frames[:, :SILHOUETTE].contiguous(memory_format=torch.channels_last)
        silhouette = frames[:, SILHOUETTE:].contiguous(memory_format=torch.channels_last)
        fused: Tensor = self.fusion(
            self.silhouette_layer1(self.silhouette_layer0(silhouette)), self.map_layer1(self.map_layer0(maps))
        )
        return fused


class SkeletonGaitPlus(GaitNetwork):
    """SkeletonGait++ (Fan et al., AAAI 2024) on limb map, joint map and silhouette, (F, 3, 64, 44)."""

    modalities = ("map", "silhouette")
    front_layers = FusedLayers
