"""Batch norm of float32 frames in training, with the addition and the ReLU behind it, in as few passes as can be.

Forward, a pass sums up the moments, and a pass writes the result. Backward, a pass sums up gradients, and a pass writes
the gradient of the frames.
"""

from __future__ import annotations

import functools
import math
import platform
from collections.abc import Callable
from ctypes import CDLL
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

# Rows of about 4 KB: long enough to be fast, and short enough for several of them to stay in the nearest cache.
_WIDTH = 1024


def can_fuse(frames: Tensor) -> bool:
    """Whether `fused_norm` takes these frames, (F, C, H, W), here and now."""
    return (
        not torch.compiler.is_compiling()
        and frames.device.type == "cpu"
        and frames.dtype == torch.float32
        and frames.is_contiguous(memory_format=torch.channels_last)
        and frames.numel() > frames.shape[1]
        and _has_teams()
    )


@functools.cache
def _has_teams() -> bool:
    """Whether torch computes with threads that other code can use: those of GNU OpenMP, which it has on Linux."""
    return platform.system() == "Linux" and hasattr(CDLL(None), "GOMP_parallel")


def fused_norm(
    frames: Tensor, residual: Tensor | None, weight: Tensor, bias: Tensor, eps: float, relu: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize by the statistics of the batch, and add the residual and relu.

    Args:
        frames: (F, C, H, W), such as `can_fuse` takes.
        residual: the same shape; or None. With one, the sum is always rectified.
        weight: (C,) float32.
        bias: (C,) float32.
        eps: is added to the variance.
        relu: whether to relu.

    Returns:
        The result; mean and biased variance, (C,), without gradient.
    """
    fuse = cast(Callable[..., tuple[Tensor, Tensor, Tensor]], _FusedNorm.apply)
    return fuse(frames, residual, weight, bias, eps, relu)


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, frames: Tensor, residual: Tensor | None, weight: Tensor, bias: Tensor, eps: float, relu: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        from skelgait.models.cpu import norm_kernels as kernels  # compiles at its import

        table = _Table(frames)
        mean, squares = table.sum(kernels.moments, frames) / table.pixels
        variance = (squares - mean * mean).clamp_(min=0)
        inverse_std = (variance + eps).rsqrt()
        scale = weight.double() * inverse_std
        # Of a sum, the kernels find in the result what was cut off; of the norm alone, they compute it again.
        floor = torch.full_like(mean, 0 if relu and residual is None else -math.inf)
        channels = table.repeat(scale, bias.double(), mean, floor)
        out = torch.empty_like(frames)
        if residual is None:
            table.run(kernels.normalize, out, frames, channels)
        else:
            residual = residual.contiguous(memory_format=torch.channels_last)
            table.run(kernels.normalize_add_rectify, out, frames, residual, channels)
        ctx.save_for_backward(frames, None if residual is None else out, channels, scale, inverse_std)
        mean, variance = mean.float(), variance.float()
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        from skelgait.models.cpu import norm_kernels as kernels

        frames, out, channels, scale, inverse_std = ctx.saved_tensors
        table, of_residual = _Table(frames), None
        grad = grad.contiguous(memory_format=torch.channels_last)
        if out is None:
            total, products = table.sum(kernels.gradient_sums, grad, frames, channels)
        else:
            of_residual = torch.empty_like(out)
            total, products = table.sum(kernels.cut_and_sum, of_residual, grad, out, frames, channels)
            grad = of_residual
        of_weight = products * inverse_std
        means = table.repeat(-scale * inverse_std * of_weight / table.pixels, -scale * total / table.pixels)
        of_frames = torch.empty_like(frames)
        table.run(kernels.gradient, of_frames, grad, frames, channels, means)
        return of_frames, of_residual, of_weight.float(), total.float(), None, None


class _Table:
    """Frames in channels_last memory as rows of several pixels.

    Attributes:
        channels: C.
        pixels: number of pixels of all frames.
    """

    def __init__(self, frames: Tensor) -> None:
        self.channels = frames.shape[1]
        self.pixels = frames.numel() // self.channels
        most = min(max(_WIDTH // self.channels, 1), self.pixels)
        self._together = next(n for n in range(most, 0, -1) if self.pixels % n == 0)

    def repeat(self, *values: Tensor) -> Tensor:
        """Values of each channel, (C,), for each element of a row: (number of them, width) float32."""
        return torch.stack(values).float().repeat(1, self._together)

    def run(self, entry: Any, *tensors: Tensor) -> None:
        """Run an entry of the kernels."""
        from skelgait.models.cpu.norm_kernels import run

        run(entry, torch.get_num_threads(), self.pixels // self._together, self._together * self.channels, *tensors)

    def sum(self, entry: Any, *tensors: Tensor) -> Tensor:
        """Run an entry whose last argument takes two sums of each channel; returns them, (2, C) float64."""
        sums = torch.zeros(torch.get_num_threads(), 2, self._together, self.channels, dtype=torch.float64)
        self.run(entry, *tensors, sums)
        return sums.sum((0, 2))
