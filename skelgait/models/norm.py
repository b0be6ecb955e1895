"""Batch norm of frames, with residual and ReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skelgait.models.cpu.fused_norm import can_fuse
from skelgait.models.cpu.norm import fused_batch_norm, train_batch_norm


class FrameBatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d` for (F, C, H, W) frames.

    Training on a CPU uses `skelgait.models.cpu`, which is faster and has smaller rounding errors. Parameters, buffers
    and everything else are those of `nn.BatchNorm2d`.
    """

    def forward(self, frames: Tensor) -> Tensor:
        """Normalize (F, C, H, W) frames. In training, update the running statistics."""
        channels_last = frames.is_contiguous(memory_format=torch.channels_last)
        if self.training and channels_last and frames.device.type == "cpu":
            return train_batch_norm(self, frames)
        return super().forward(frames)


def norm_relu(norm: nn.Module, frames: Tensor, residual: Tensor | None = None) -> Tensor:
    """Return relu(norm(frames) + residual).

    Args:
        norm: batch norm, either `FrameBatchNorm` or the synchronized layer that replaces it.
        frames: (F, C, H, W).
        residual: (F, C, H, W) tensor to add; None: none.
    """
    if isinstance(norm, FrameBatchNorm) and norm.training and can_fuse(frames):
        return fused_batch_norm(norm, frames, residual, relu=True)
    # In place, because batch norm returns a new tensor: this saves a third of the memory traffic.
    out: Tensor = norm(frames)
    if residual is not None:
        out = out.add_(residual)
    return out.relu_()
