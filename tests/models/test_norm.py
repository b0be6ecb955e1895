"""Batch norm of frames: nn.BatchNorm2d's results, without its rounding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from skelgait.models.norm import FrameBatchNorm, channel_moments


def frames_of(shape: tuple[int, int, int, int], dtype: torch.dtype = torch.float64) -> Tensor:
    frames = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).relu() * 3 + 1
    return frames.to(dtype).contiguous(memory_format=torch.channels_last)


def pair(channels: int) -> tuple[FrameBatchNorm, nn.BatchNorm2d]:
    ours, plain = FrameBatchNorm(channels).double(), nn.BatchNorm2d(channels).double()
    nn.init.normal_(plain.weight)
    nn.init.normal_(plain.bias)
    ours.load_state_dict(plain.state_dict())
    return ours, plain


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 3, 5, 1), (7, 4, 6, 5), (6, 1, 3, 4)])
def test_batch_norm_2d(shape: tuple[int, int, int, int]) -> None:
    ours, plain = pair(shape[1])
    frames, same = frames_of(shape).requires_grad_(), frames_of(shape).requires_grad_()
    for _ in range(2):  # so that the running statistics are followed, too
        torch.testing.assert_close(out := ours(frames), expected := plain(same))
    weights = torch.randn_like(out)
    out.backward(weights)
    expected.backward(weights)
    torch.testing.assert_close(frames.grad, same.grad)
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)
    torch.testing.assert_close(ours.state_dict(), plain.state_dict())
    ours.eval()
    plain.eval()
    torch.testing.assert_close(ours(frames), plain(same))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_moments_are_exact_for_many_frames(dtype: torch.dtype) -> None:
    frames = frames_of((300, 4, 64, 44), dtype)
    mean, variance = channel_moments(frames)
    assert mean.dtype == variance.dtype == torch.float32
    true_variance, true_mean = torch.var_mean(frames.double(), (0, 2, 3), correction=0)
    torch.testing.assert_close(mean.double(), true_mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(variance.double(), true_variance, rtol=1e-6, atol=0)


def test_gradient_by_differences() -> None:
    norm = FrameBatchNorm(2).double()
    frames = frames_of((3, 2, 4, 3)).requires_grad_()
    assert torch.autograd.gradcheck(lambda *tensors: norm(tensors[0]), (frames, norm.weight, norm.bias))
