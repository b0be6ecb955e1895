"""Attention between two feature maps of the same frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn

from skelgait.models.blocks import conv3x3
from skelgait.models.norm import FrameBatchNorm, norm_relu

REDUCTION = 16
"""Ratio of input channels to attention channels."""


class AttentionFusion(nn.Module):
    """Weighted sum of silhouette and map features, after Fan et al., "SkeletonGait", AAAI 2024.

    The scores are conv 1 x 1 (2C to C / 16) - BN - ReLU - conv 3 x 3 - BN - ReLU - conv 1 x 1 (to 2C) of both inputs,
    concatenated. A softmax over the two scores of each channel and pixel gives the weights.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = max(1, channels // REDUCTION)
        self.squeeze = nn.Conv2d(2 * channels, reduced, 1, bias=False)
        self.norm1 = FrameBatchNorm(reduced)
        self.mix = conv3x3(reduced, reduced)
        self.norm2 = FrameBatchNorm(reduced)
        self.expand = nn.Conv2d(reduced, 2 * channels, 1, bias=False)

    def forward(self, silhouette: Tensor, maps: Tensor) -> Tensor:
        """Fuse two (F, C, H, W) feature maps into one of the same shape."""
        # Two identities and lerp halve the time. A 1 x 1 convolution of a concatenation is a sum of two convolutions.
        silhouette_weight, map_weight = self.squeeze.weight.chunk(2, dim=1)
        squeezed = F.conv2d(silhouette, silhouette_weight) + F.conv2d(maps, map_weight)
        mixed = norm_relu(self.norm2, self.mix(norm_relu(self.norm1, squeezed)))
        # A softmax over two scores is the sigmoid of their difference, which is one convolution.
        silhouette_scores, map_scores = self.expand.weight.chunk(2, dim=0)
        map_share = F.conv2d(mixed, map_scores - silhouette_scores).sigmoid_()
        return torch.lerp(silhouette, maps, map_share)
