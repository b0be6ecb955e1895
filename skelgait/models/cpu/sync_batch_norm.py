"""Synchronized batch norm for any device.

`nn.SyncBatchNorm` needs CUDA. The class here uses all_reduce, which the gloo backend has too.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def synchronize_batch_norm(module: nn.Module, device: torch.device) -> nn.Module:
    """Replace all batch norm layers of a module by synchronized ones; names of parameters stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-any-return, no-untyped-call]
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.__class__ = SyncBatchNorm
    return module


class SyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm over the batches of all processes, which may differ in size; replaces `nn.BatchNorm1d` and `2d`."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Accept any shape (N, C, ...)."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalize an (N, C, ...) tensor."""
        if not self.training:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        values = input.float()
        count = torch.tensor([values.numel() / values.shape[1]], dtype=torch.float32, device=values.device)
        total = _sum_over_processes(torch.cat([values.sum(axes), count]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        shape = [1, -1, *[1] * (input.ndim - 2)]
        centered = values - mean.view(shape)
        # Two passes, because E[x^2] - E[x]^2 would lose digits.
        variance = _sum_over_processes(centered.square().sum(axes)) / count
        self._update(mean.detach(), variance.detach(), count)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centered * scale.view(shape) + self.bias.view(shape)).to(input.dtype)

    @torch.no_grad()
    def _update(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        momentum = 0.1 if self.momentum is None else self.momentum
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * count / (count - 1), momentum)


class _SumOverProcesses(torch.autograd.Function):
    """Sum over processes; the gradient is the sum of the gradients of all processes."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        values = values.clone()
        dist.all_reduce(values)
        return values

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


def _sum_over_processes(values: Tensor) -> Tensor:
    return _SumOverProcesses.apply(values)  # type: ignore[no-any-return, no-untyped-call]
