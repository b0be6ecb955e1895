"""Horizontal strips of a feature map: pooling, and a linear map for each strip."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def horizontal_pyramid_pooling(features: Tensor, strips: int) -> Tensor:
    """Pool (N, C, H, W) into (N, C, S): mean + maximum of each of S strips of H / S rows.

    One level of the pyramid of Fu et al., "Horizontal Pyramid Matching for Person Re-identification", AAAI 2019.

    Args:
        features: (N, C, H, W).
        strips: S, a divisor of H.
    """
    n_sequences, channels = features.shape[:2]
    # Pool in channels_last order, so that features and gradients keep their memory format.
    pixels = features.permute(0, 2, 3, 1).reshape(n_sequences, strips, -1, channels)
    return (pixels.mean(2) + pixels.max(2).values).transpose(1, 2)


def strip_weights(strips: int, in_width: int, out_width: int) -> nn.Parameter:
    """Return (S, in_width, out_width) weights, Xavier-uniform as one tensor, as OpenGait initializes them.

    The bound sqrt(6 / (out_width (in_width + S))) is much smaller than that of a single strip's matrix.
    """
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(strips, in_width, out_width)))


class PartLinear(nn.Module):
    """Separate linear map for each strip, without bias.

    Attributes:
        weight: (S, C, D).
    """

    def __init__(self, strips: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.weight = strip_weights(strips, in_width, out_width)

    def forward(self, features: Tensor) -> Tensor:
        """Map (N, C, S) to (N, D, S)."""
        return torch.bmm(features.permute(2, 0, 1), self.weight).permute(1, 2, 0)
