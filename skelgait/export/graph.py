"""Network as a module of arrays alone, for programs that run exported networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn

from skelgait.embeddings.onnx_file import INPUTS
from skelgait.errors import SettingsError
from skelgait.models import GaitNetwork
from skelgait.models.inputs import FRAME_HW
from skelgait.models.strips import horizontal_pyramid_pooling
from skelgait.models.temporal import TemporalConv

_ROWS, _COLUMNS = FRAME_HW


class ExportGraph(nn.Module):
    """Trained network with gray levels as input and embeddings as output, for any number of sequences and frames.

    The network of a checkpoint takes packed frames and their lengths as numbers, which a recorded graph would keep.
    This module takes N sequences of T frames as one array, and reads N and T from its shape. It does the same
    computation.

    Args:
        network: trained network; it becomes a part of this module, and its convolutions over time are replaced.

    Raises:
        SettingsError: if the network has inputs or a forward pass of its own.
    """

    def __init__(self, network: GaitNetwork) -> None:
        super().__init__()
        name = type(network).__name__
        if network.modalities not in INPUTS:
            found, expected = f"inputs {', '.join(network.modalities)}", " or ".join(map(" and ".join, INPUTS))
            raise SettingsError(name, found, expected, "export a network that takes these")
        if type(network).forward is not GaitNetwork.forward:
            hint = "export a network that changes front_layers alone"
            raise SettingsError(name, "a forward pass of its own", "that of GaitNetwork", hint)
        self.network = network.eval()
        for module in list(network.modules()):
            for part, child in list(module.named_children()):
                if isinstance(child, TemporalConv):
                    setattr(module, part, _ArrayTemporalConv(child))

    def forward(self, maps: Tensor, silhouettes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return both embeddings (N, D, S) of N sequences.

        Args:
            maps: (N, T, 2, 64, 64 or 44) uint8 gray levels; of 64 columns, 10 on each side are cut.
            silhouettes: (N, T, 64, 64 or 44) uint8, for networks that take silhouettes.
        """
        n_sequences, n_frames = maps.shape[:2]
        frames = _cut_columns(maps)
        if silhouettes is not None:
            frames = torch.cat([frames, _cut_columns(silhouettes.unsqueeze(2))], dim=2)
        frames = frames.reshape(n_sequences * n_frames, frames.shape[2], _ROWS, _COLUMNS)
        network = self.network
        features = network.front(frames.to(torch.float32) / 255)
        for layer in (network.layer2, network.layer3, network.layer4):
            features = layer(features, (n_sequences, n_frames))
        # A pooling of all frames would keep their number.
        features = features.reshape(n_sequences, n_frames, *features.shape[1:]).amax(1)
        embedding = network.part_linear(horizontal_pyramid_pooling(features, network.strips))
        neck_embedding, _ = network.neck(embedding)
        return embedding, neck_embedding


class _ArrayTemporalConv(nn.Module):
    """Convolution over time of `TemporalConv`, for N sequences of T frames."""

    def __init__(self, convolution: TemporalConv) -> None:
        super().__init__()
        self.weight = convolution.weight

    def forward(self, frames: Tensor, shape: tuple[int, int]) -> Tensor:
        """Map (N * T, C, H, W) to the same shape.

        Args:
            frames: frames of all sequences.
            shape: N and T.
        """
        _, channels, height, width = frames.shape
        images = frames.reshape(*shape, channels, height * width).transpose(1, 2)
        images = F.conv2d(images, self.weight[..., 0], padding=(1, 0))
        return images.transpose(1, 2).reshape(frames.shape)


def _cut_columns(frames: Tensor) -> Tensor:
    """Cut (..., 64 or 44) to the 44 columns in the middle."""
    start = (frames.shape[-1] - _COLUMNS) // 2
    return frames[..., start : start + _COLUMNS]
