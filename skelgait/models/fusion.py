"""Attention between two feature maps of the same frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn

from skelgait.models.blocks import conv3x3
from skelgait.models.cpu.norm import FrameBatchNorm, norm_relu

REDUCTION = 16
"""How many times fewer channels the attention works on."""


class AttentionFusion(nn.Module):
    """Weighted sum of silhouette and map features, after Fan et al., "SkeletonGait", AAAI 2024.

    Both side by side (2C channels) go through 1 x 1 to C / 16 - BN - ReLU - 3 x 3 - BN - ReLU - 1 x 1 to 2C. The
    softmax over the two scores of each channel and pixel gives the weights.
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
        """Two (F, C, H, W) feature maps to one."""
        # Three shortcuts halve the time. A 1 x 1 convolution of both is the sum of one of each.
        of_silhouette, of_maps = self.squeeze.weight.chunk(2, dim=1)
        squeezed = F.conv2d(silhouette, of_silhouette) + F.conv2d(maps, of_maps)
        mixed = norm_relu(self.norm2, self.mix(norm_relu(self.norm1, squeezed)))
        # Softmax over a pair is the sigmoid of the difference, and the difference of scores is one convolution.
        to_silhouette, to_maps = self.expand.weight.chunk(2, dim=0)
        share_of_maps = F.conv2d(mixed, to_maps - to_silhouette).sigmoid_()
        return torch.lerp(silhouette, maps, share_of_maps)
