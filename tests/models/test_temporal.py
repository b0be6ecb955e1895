"""Convolution and maximum over time, compared with plain loops over frames."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from skelgait.models.temporal import TemporalConv, as_frames, temporal_max_pool, time_images

LENGTHS = [[1], [4], [3, 3], [1, 1, 1], [2, 5, 1], [6, 2]]


def frames_for(lengths: list[int]) -> Tensor:
    generator = torch.Generator().manual_seed(len(lengths))
    frames = torch.randn(sum(lengths), 5, 6, 4, dtype=torch.float64, generator=generator)
    return frames.contiguous(memory_format=torch.channels_last).requires_grad_()


def conv_by_loops(frames: Tensor, lengths: list[int], weight: Tensor) -> Tensor:
    """Sum the products of each frame and its neighbors in the sequence with the three weights."""
    out = []
    for sequence in frames.split(lengths):
        for t in range(len(sequence)):
            taps = [(k, t + k - 1) for k in range(3) if 0 <= t + k - 1 < len(sequence)]
            out.append(sum(torch.einsum("oc,chw->ohw", weight[:, :, k, 0, 0], sequence[s]) for k, s in taps))
    return torch.stack(out)


def pool_by_loops(frames: Tensor, lengths: list[int]) -> Tensor:
    out = []
    for sequence in frames.split(lengths):
        largest = sequence[0]
        for frame in sequence[1:]:
            largest = torch.where(frame > largest, frame, largest)
        out.append(largest)
    return torch.stack(out)


def assert_same(result: Tensor, plain: Tensor, frames: Tensor) -> None:
    torch.testing.assert_close(result, plain)
    weights = torch.randn_like(result)
    (grad,) = torch.autograd.grad(result, frames, weights)
    (plain_grad,) = torch.autograd.grad(plain, frames, weights)
    torch.testing.assert_close(grad, plain_grad)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_temporal_conv_equals_loops(lengths: list[int]) -> None:
    conv = TemporalConv(5).double()
    frames = frames_for(lengths)
    assert_same(conv(frames, lengths), conv_by_loops(frames, lengths, conv.weight), frames)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_temporal_max_pool_equals_loops(lengths: list[int]) -> None:
    frames = frames_for(lengths)
    assert_same(temporal_max_pool(frames, lengths), pool_by_loops(frames, lengths), frames)


def test_time_images_share_memory() -> None:
    frames = frames_for([3, 3]).detach()
    images = time_images(frames, 2)
    assert images.shape == (2, 5, 3, 24)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images.data_ptr() == frames.data_ptr()
    back = as_frames(images, 6)
    assert back.data_ptr() == frames.data_ptr()
    assert torch.equal(back, frames)


def test_contiguous_frames_give_the_same_result() -> None:
    frames = frames_for([2, 3]).detach()
    conv = TemporalConv(5).double()
    torch.testing.assert_close(conv(frames.contiguous(), [2, 3]), conv(frames, [2, 3]))
