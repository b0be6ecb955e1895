"""Convolution and maximum over time for packed frames.

Frames are (F, C, H, W) in channels_last memory format, stored as (F, H, W, C). Without a copy, the T frames of a
sequence are also an image of height T and width H * W. An operation over time is then a 2D operation along the height
of this image. It never mixes sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def time_images(frames: Tensor, n_sequences: int) -> Tensor:
    """View (F, C, H, W) frames of N sequences of length T as (N, C, T, H * W); copy if they are not channels_last."""
    n_frames, channels, height, width = frames.shape
    images = frames.permute(0, 2, 3, 1).reshape(n_sequences, n_frames // n_sequences, height * width, channels)
    return images.permute(0, 3, 1, 2)


def as_frames(images: Tensor, height: int) -> Tensor:
    """View (N, C, T, H * W) images as (N * T, C, H, W) frames; inverse of `time_images`."""
    n_sequences, channels, n_frames, pixels = images.shape
    frames = images.permute(0, 2, 3, 1).reshape(n_sequences * n_frames, height, pixels // height, channels)
    return frames.permute(0, 3, 1, 2)


def same_length(lengths: Sequence[int]) -> bool:
    """Return True if all sequences have the same length, as in training; one call then handles all of them."""
    return len(set(lengths)) == 1


class TemporalConv(nn.Module):
    """Convolution with kernel (3, 1, 1) over the frames of each sequence, zero-padded, without bias.

    Attributes:
        weight: (C, C, 3, 1, 1), the shape of a 3D convolution's weight.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels, channels, 3, 1, 1)))

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Map (F, C, H, W) to the same shape."""
        if same_length(lengths):
            return self._convolve(frames, len(lengths))
        return torch.cat([self._convolve(sequence, 1) for sequence in torch.split(frames, list(lengths))])

    def _convolve(self, frames: Tensor, n_sequences: int) -> Tensor:
        images, weight = time_images(frames, n_sequences), self.weight[..., 0]
        if images.device.type == "cpu" and torch.is_grad_enabled():
            convolve: Callable[..., Tensor] = _ConvolveOverTime.apply
            images = convolve(images, weight.to(images.dtype))
        else:
            images = F.conv2d(images, weight, padding=(1, 0))
        return as_frames(images, frames.shape[2])


class _ConvolveOverTime(torch.autograd.Function):
    """(3, 1) convolution of (N, C, T, P) images with the weight gradient computed as three matrix products.

    On a CPU this is three times as fast as PyTorch's weight gradient for this kernel.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(images, weight)
        return F.conv2d(images, weight, padding=(1, 0))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        images, weight = ctx.saved_tensors
        grad_images, grad_weight = None, None
        if ctx.needs_input_grad[0]:
            grad_images = F.conv2d(grad, weight.flip(2).transpose(0, 1), padding=(1, 0))
        if ctx.needs_input_grad[1]:
            taps = [_tap_gradient(grad, images, offset) for offset in (-1, 0, 1)]
            grad_weight = torch.stack(taps, 2).unsqueeze(3)
        return grad_images, grad_weight


def _tap_gradient(grad: Tensor, images: Tensor, offset: int) -> Tensor:
    """Return the (C, C) gradient of the weights for the input frame at `offset` from the output frame."""
    n_frames = images.shape[2] - abs(offset)
    inputs = images.permute(0, 2, 3, 1)[:, max(0, offset) :][:, :n_frames].flatten(1, 2)
    outputs = grad.permute(0, 2, 3, 1)[:, max(0, -offset) :][:, :n_frames].flatten(1, 2)
    return torch.bmm(outputs.transpose(1, 2), inputs).sum(0)


def temporal_max_pool(frames: Tensor, lengths: Sequence[int]) -> Tensor:
    """Reduce (F, C, H, W) to (N, C, H, W), the maximum over the frames of each sequence."""
    if same_length(lengths):
        images = time_images(frames, len(lengths))
        # The backward pass of pooling is several times faster than that of amax or max.
        return as_frames(F.max_pool2d(images, (images.shape[2], 1)), frames.shape[2])
    return torch.cat([temporal_max_pool(sequence, [len(sequence)]) for sequence in torch.split(frames, list(lengths))])
