"""Pseudo-3D block, compared with Conv3d and BatchNorm3d on one sequence at a time."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its usual name)

from skelgait.models.blocks import Pseudo3dBlock
from skelgait.opengait.weights import to_opengait
from tests.models.plain import PlainPseudo3dBlock


def by_sequences(block: PlainPseudo3dBlock, frames: Tensor, lengths: list[int]) -> Tensor:
    """Compute the block with batch norm over all frames and convolution over time in each sequence."""

    def as_clip(tensor: Tensor) -> Tensor:
        return tensor.transpose(0, 1)[None]

    def as_frames(clip: Tensor) -> Tensor:
        return clip[0].transpose(0, 1)

    out = block.conv1.forward_block(frames)
    over_time = [as_frames(block.shortcut3d(as_clip(sequence))) for sequence in out.split(lengths)]
    out = F.relu(out + as_frames(block.sbn(as_clip(torch.cat(over_time)))))
    return F.relu(block.conv2.forward_block(out) + as_frames(block.downsample(as_clip(frames))))


@pytest.mark.parametrize(("in_channels", "out_channels", "stride"), [(6, 6, 1), (4, 6, 1), (4, 6, 2), (6, 6, 2)])
@pytest.mark.parametrize("lengths", [[4], [3, 3], [1, 5, 2]])
@pytest.mark.parametrize("training", [False, True])
def test_pseudo_3d_block_equals_plain_layers(
    in_channels: int, out_channels: int, stride: int, lengths: list[int], training: bool
) -> None:
    torch.manual_seed(0)
    block = Pseudo3dBlock(in_channels, out_channels, stride).double().train(training)
    plain = PlainPseudo3dBlock(in_channels, out_channels, stride).double().train(training)
    state = {f"layer2.0.{name}": value for name, value in block.state_dict().items()}
    plain.load_state_dict({name.removeprefix("layer2.0."): value for name, value in to_opengait(state).items()})
    frames = torch.randn(sum(lengths), in_channels, 8, 6, dtype=torch.float64)
    plain_frames = frames.clone().requires_grad_()
    frames = frames.contiguous(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(out := block(frames, lengths), expected := by_sequences(plain, plain_frames, lengths))
    weights = torch.randn_like(out)
    out.backward(weights)
    expected.backward(weights)
    torch.testing.assert_close(frames.grad, plain_frames.grad)
    torch.testing.assert_close(list(block.state_dict().values()), list(plain.state_dict().values()))
    for parameter, plain_parameter in zip(block.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, plain_parameter.grad)
