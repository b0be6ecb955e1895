"""Batch norm whose statistics run over all processes, on any device.

torch's own SyncBatchNorm runs on CUDA alone. The module here does the same with all_reduce, which gloo has as well.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def synchronize_batch_norm(module: nn.Module, device: torch.device) -> nn.Module:
    """Let all batch norm layers in `module` share their statistics between processes; names of parameters stay."""
    if device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-any-return, no-untyped-call]
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.__class__ = SyncBatchNorm
    return module


class SyncBatchNorm(nn.modules.batchnorm._BatchNorm):
    """`nn.BatchNorm1d` and `nn.BatchNorm2d` over the batches of all processes, which may differ in size."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        """Any shape (N, C, ...) will do."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """(N, C, ...) to the same shape."""
        if not self.training:
            return super().forward(input)
        axes = [axis for axis in range(input.ndim) if axis != 1]
        values = input.float()
        count = torch.tensor([values.numel() / values.shape[1]], dtype=torch.float32, device=values.device)
        total = _sum_over_processes(torch.cat([values.sum(axes), count]))
        mean, count = total[:-1] / total[-1], total[-1].detach()
        shape = [1, -1, *[1] * (input.ndim - 2)]
        centered = values - mean.view(shape)
        # In two passes: the difference of two large sums of squares would lose digits.
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
    """The sum over processes; its gradient is the sum of all processes' gradients."""

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
