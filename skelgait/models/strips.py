"""Horizontal strips of a feature map: pooling into strips, and a linear map of each."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def horizontal_pyramid_pooling(features: Tensor, strips: int) -> Tensor:
    """(N, C, H, W) to (N, C, S): mean + maximum of each of `strips` bands of H / S rows.

    H must be a multiple of `strips`. This is one level of the pyramid of Fu et al., "Horizontal Pyramid Matching for
    Person Re-identification", AAAI 2019.
    """
    n_sequences, channels = features.shape[:2]
    # Channels last, as the features lie in memory; so do their gradients then.
    pixels = features.permute(0, 2, 3, 1).reshape(n_sequences, strips, -1, channels)
    return (pixels.mean(2) + pixels.max(2).values).transpose(1, 2)


def strip_weights(strips: int, in_width: int, out_width: int) -> nn.Parameter:
    """(S, in_width, out_width) weights, xavier-uniform as one tensor, which is how OpenGait networks begin.

    That is a far smaller scale than one strip's map alone would have: +-sqrt(6 / (out_width (in_width + S))).
    """
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(strips, in_width, out_width)))


class PartLinear(nn.Module):
    """A linear map of its own for each strip, without bias.

    Attributes:
        weight: (S, C, D).
    """

    def __init__(self, strips: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.weight = strip_weights(strips, in_width, out_width)

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, S) to (N, D, S)."""
        return torch.bmm(features.permute(2, 0, 1), self.weight).permute(1, 2, 0)
