"""Fused batch norm, residual addition and ReLU for float32 frames in training on a CPU.

The forward pass reads the frames twice: for the moments and for the result. The backward pass reads them twice too: for
the sums of gradients and for the gradient of the frames.
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

# Rows of 4 KB are long enough for fast loops, and several of them fit into the L1 cache.
_WIDTH = 1024


def can_fuse(frames: Tensor) -> bool:
    """Return True if `fused_norm` can handle these (F, C, H, W) frames on this machine."""
    return (
        not torch.compiler.is_compiling()
        and frames.device.type == "cpu"
        and frames.dtype == torch.float32
        and frames.is_contiguous(memory_format=torch.channels_last)
        and frames.numel() > frames.shape[1]
        and _has_gnu_openmp()
    )


@functools.cache
def _has_gnu_openmp() -> bool:
    """Return True if torch uses GNU OpenMP, whose threads the compiled loops share. That is the case on Linux."""
    return platform.system() == "Linux" and hasattr(CDLL(None), "GOMP_parallel")


def fused_norm(
    frames: Tensor, residual: Tensor | None, weight: Tensor, bias: Tensor, eps: float, relu: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalize by the statistics of the batch, add the residual and apply the ReLU.

    Args:
        frames: (F, C, H, W), accepted by `can_fuse`.
        residual: (F, C, H, W) tensor to add; None: none.
        weight: (C,) float32.
        bias: (C,) float32.
        eps: value added to the variance.
        relu: apply the ReLU; always applied with a residual.

    Returns:
        Result (F, C, H, W); mean (C,) and biased variance (C,), both without gradient.
    """
    fuse = cast(Callable[..., tuple[Tensor, Tensor, Tensor]], _FusedNorm.apply)
    return fuse(frames, residual, weight, bias, eps, relu)


class _FusedNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, frames: Tensor, residual: Tensor | None, weight: Tensor, bias: Tensor, eps: float, relu: bool
    ) -> tuple[Tensor, Tensor, Tensor]:
        from skelgait.models.cpu import norm_kernels as kernels  # compiled on import

        table = _Table(frames)
        mean, squares = table.sum(kernels.moments, frames) / table.pixels
        variance = (squares - mean * mean).clamp_(min=0)
        inverse_std = (variance + eps).rsqrt()
        scale = weight.double() * inverse_std
        # The backward pass recomputes the sign of the norm. With a residual it reads the sign from the result instead.
        floor = torch.full_like(mean, 0 if relu and residual is None else -math.inf)
        channels = table.repeat(scale, bias.double(), mean, floor)
        out = torch.empty_like(frames)
        if residual is None:
            table.run(kernels.normalize, out, frames, channels)
        else:
            residual = residual.contiguous(memory_format=torch.channels_last)
            table.run(kernels.normalize_add_relu, out, frames, residual, channels)
        ctx.save_for_backward(frames, None if residual is None else out, channels, scale, inverse_std)
        mean, variance = mean.float(), variance.float()
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        from skelgait.models.cpu import norm_kernels as kernels

        frames, out, channels, scale, inverse_std = ctx.saved_tensors
        table, grad_residual = _Table(frames), None
        grad = grad.contiguous(memory_format=torch.channels_last)
        if out is None:
            total, products = table.sum(kernels.gradient_sums, grad, frames, channels)
        else:
            grad_residual = torch.empty_like(out)
            total, products = table.sum(kernels.relu_gradient_sums, grad_residual, grad, out, frames, channels)
            grad = grad_residual
        grad_weight = products * inverse_std
        means = table.repeat(-scale * inverse_std * grad_weight / table.pixels, -scale * total / table.pixels)
        grad_frames = torch.empty_like(frames)
        table.run(kernels.gradient, grad_frames, grad, frames, channels, means)
        return grad_frames, grad_residual, grad_weight.float(), total.float(), None, None


class _Table:
    """Frames in channels_last memory format as a table, with several pixels in each row.

    Attributes:
        channels: number of channels C.
        pixels: number of pixels of all frames.
    """

    def __init__(self, frames: Tensor) -> None:
        self.channels = frames.shape[1]
        self.pixels = frames.numel() // self.channels
        limit = min(max(_WIDTH // self.channels, 1), self.pixels)
        self._pixels_per_row = next(n for n in range(limit, 0, -1) if self.pixels % n == 0)

    def repeat(self, *values: Tensor) -> Tensor:
        """Repeat (C,) values for each element of a row; return (number of values, width) float32."""
        return torch.stack(values).float().repeat(1, self._pixels_per_row)

    def run(self, entry: Any, *tensors: Tensor) -> None:
        """Run a kernel with the threads of torch."""
        from skelgait.models.cpu.norm_kernels import run

        run(
            entry,
            torch.get_num_threads(),
            self.pixels // self._pixels_per_row,
            self._pixels_per_row * self.channels,
            *tensors,
        )

    def sum(self, entry: Any, *tensors: Tensor) -> Tensor:
        """Run a kernel with (2, C) sums as its last argument, and return the sums as float64."""
        sums = torch.zeros(torch.get_num_threads(), 2, self._pixels_per_row, self.channels, dtype=torch.float64)
        self.run(entry, *tensors, sums)
        return sums.sum((0, 2))
