"""Time in a network whose frames are packed: convolution over time and the maximum over time.

Frames are (F, C, H, W) in channels_last memory, which lies in memory as (F, H, W, C). T consecutive frames of one
sequence are then also an image of height T and width H * W, without moving a value: what runs over time is an ordinary
2D operation on the height of that image. No frame sees another sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn


def time_images(frames: Tensor, n_sequences: int) -> Tensor:
    """View (F, C, H, W) frames of sequences of equal length T as (N, C, T, H * W); a copy if not channels_last."""
    n_frames, channels, height, width = frames.shape
    images = frames.permute(0, 2, 3, 1).reshape(n_sequences, n_frames // n_sequences, height * width, channels)
    return images.permute(0, 3, 1, 2)


def frames_of(images: Tensor, height: int) -> Tensor:
    """View (N, C, T, H * W) images as (N * T, C, H, W) frames: the way back from `time_images`."""
    n_sequences, channels, n_frames, pixels = images.shape
    frames = images.permute(0, 2, 3, 1).reshape(n_sequences * n_frames, height, pixels // height, channels)
    return frames.permute(0, 3, 1, 2)


def same_length(lengths: Sequence[int]) -> bool:
    """Whether all sequences are equally long, as in training, so that one call does for all of them."""
    return len(set(lengths)) == 1


class TemporalConv(nn.Module):
    """Convolution with a kernel of (3, 1, 1) over the frames of each sequence, zero beyond its ends, without bias.

    Attributes:
        weight: (C, C, 3, 1, 1), the shape of a 3D convolution's weight.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels, channels, 3, 1, 1)))

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """(F, C, H, W) to (F, C, H, W)."""
        if same_length(lengths):
            return self._convolve(frames, len(lengths))
        return torch.cat([self._convolve(sequence, 1) for sequence in torch.split(frames, list(lengths))])

    def _convolve(self, frames: Tensor, n_sequences: int) -> Tensor:
        images = F.conv2d(time_images(frames, n_sequences), self.weight[..., 0], padding=(1, 0))
        return frames_of(images, frames.shape[2])


def temporal_max_pool(frames: Tensor, lengths: Sequence[int]) -> Tensor:
    """(F, C, H, W) to (N, C, H, W): the maximum over the frames of each sequence."""
    if same_length(lengths):
        images = time_images(frames, len(lengths))
        # As pooling, since its backward pass is several times faster than that of amax or max.
        return frames_of(F.max_pool2d(images, (images.shape[2], 1)), frames.shape[2])
    return torch.cat([temporal_max_pool(sequence, [len(sequence)]) for sequence in torch.split(frames, list(lengths))])
