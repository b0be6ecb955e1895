"""Residual 2D blocks on frames, and pseudo-3D blocks on the frames of sequences.

All features are (F, C, H, W) in channels_last memory format. `FrameBatchNorm` is `nn.BatchNorm2d`, and `norm_relu` is
`relu(norm(frames) + residual)`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn

from skelgait.models.norm import FrameBatchNorm, norm_relu
from skelgait.models.temporal import TemporalConv


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """Return a 3 x 3 convolution with padding 1, without bias."""
    return nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)


class ConvNormRelu(nn.Sequential):
    """3 x 3 convolution, batch norm, ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__(conv3x3(in_channels, out_channels, stride), FrameBatchNorm(out_channels))

    def forward(self, frames: Tensor) -> Tensor:
        """Map (F, C_in, H, W) to (F, C_out, H / stride, W / stride)."""
        conv, norm = self
        return norm_relu(norm, conv(frames))


class PointwiseConv(nn.Module):
    """1 x 1 x 1 convolution with a spatial stride, without bias.

    Attributes:
        weight: (C_out, C_in, 1, 1, 1), the shape of a 3D convolution's weight.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(out_channels, in_channels, 1, 1, 1)))

    def forward(self, frames: Tensor) -> Tensor:
        """Map (F, C_in, H, W) to (F, C_out, H / stride, W / stride)."""
        # Subsample here: the strided 1 x 1 kernel of oneDNN crashes with fewer than 16 channels.
        return F.conv2d(frames[:, :, :: self.stride, :: self.stride], self.weight[..., 0])


class ResidualBlock(nn.Module):
    """2D residual block: conv3x3 - BN - ReLU - conv3x3 - BN, plus identity, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.norm1 = FrameBatchNorm(channels)
        self.conv2 = conv3x3(channels, channels)
        self.norm2 = FrameBatchNorm(channels)

    def forward(self, frames: Tensor) -> Tensor:
        """Map (F, C, H, W) to the same shape."""
        out = norm_relu(self.norm1, self.conv1(frames))
        return norm_relu(self.norm2, self.conv2(out), frames)


class Pseudo3dBlock(nn.Module):
    """Pseudo-3D residual block: a spatial, a temporal and a spatial convolution (after Qiu et al., ICCV 2017).

    a = ReLU(BN(conv3x3)); a = ReLU(a + BN(conv over time of a)); a = BN(conv3x3 of a); plus identity, ReLU.
    If the shape changes, the identity is a 1 x 1 x 1 convolution and batch norm. Frames are packed without padding, so
    batch norm over frames is batch norm over (N, T, H, W).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.spatial1 = ConvNormRelu(in_channels, out_channels, stride)
        self.spatial2 = nn.Sequential(conv3x3(out_channels, out_channels), FrameBatchNorm(out_channels))
        self.temporal_conv = TemporalConv(out_channels)
        self.temporal_norm = FrameBatchNorm(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                PointwiseConv(in_channels, out_channels, stride), FrameBatchNorm(out_channels)
            )

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Map (F, C_in, H, W) to (F, C_out, H / stride, W / stride)."""
        out: Tensor = self.spatial1(frames)
        out = norm_relu(self.temporal_norm, self.temporal_conv(out, lengths), out)
        conv, norm = self.spatial2
        return norm_relu(norm, conv(out), self.shortcut(frames))


class Pseudo3dLayer(nn.ModuleList):
    """Sequence of pseudo-3D blocks; the first one changes channels and size."""

    def __init__(self, in_channels: int, out_channels: int, n_blocks: int, stride: int) -> None:
        first = Pseudo3dBlock(in_channels, out_channels, stride)
        super().__init__([first, *(Pseudo3dBlock(out_channels, out_channels, 1) for _ in range(1, n_blocks))])

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Map (F, C_in, H, W) to (F, C_out, H / stride, W / stride)."""
        for block in self:
            frames = block(frames, lengths)
        return frames


def residual_layer(channels: int, n_blocks: int) -> nn.Sequential:
    """Return a sequence of 2D residual blocks."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(n_blocks)))
