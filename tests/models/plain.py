"""Plain, slow versions of the networks.

Features are (N, C, T, H, W), with Conv3d and BatchNorm3d; spatial layers transpose the frames. Module names are those
of OpenGait checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812  (its usual name)
from torch import Tensor, nn


class FrameByFrame(nn.Module):
    """Layers on single frames of (N, C, T, H, W)."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.forward_block = nn.Sequential(*layers)

    def forward(self, clips: Tensor) -> Tensor:
        frames = clips.transpose(1, 2)
        out = self.forward_block(frames.flatten(0, 1))
        return out.unflatten(0, frames.shape[:2]).transpose(1, 2).contiguous()


def conv_norm(in_channels: int, out_channels: int, stride: int = 1, kernel: int = 3) -> list[nn.Module]:
    conv = nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)
    return [conv, nn.BatchNorm2d(out_channels)]


class PlainBlock2d(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = conv_norm(channels, channels)
        self.conv2, self.bn2 = conv_norm(channels, channels)

    def forward(self, frames: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(frames)))
        return F.relu(self.bn2(self.conv2(out)) + frames)


class PlainPseudo3dBlock(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = FrameByFrame(*conv_norm(in_channels, out_channels, stride), nn.ReLU())
        self.conv2 = FrameByFrame(*conv_norm(out_channels, out_channels))
        self.shortcut3d = nn.Conv3d(out_channels, out_channels, (3, 1, 1), padding=(1, 0, 0), bias=False)
        self.sbn = nn.BatchNorm3d(out_channels)
        self.downsample = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            conv = nn.Conv3d(in_channels, out_channels, 1, (1, stride, stride), bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm3d(out_channels))

    def forward(self, clips: Tensor) -> Tensor:
        out = self.conv1(clips)
        out = self.conv2(F.relu(out + self.sbn(self.shortcut3d(out))))
        return F.relu(out + self.downsample(clips))


class PlainFusion(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        reduced = channels // 16
        self.conv = FrameByFrame(
            *conv_norm(2 * channels, reduced, kernel=1), nn.ReLU(), *conv_norm(reduced, reduced), nn.ReLU(),
            nn.Conv2d(reduced, 2 * channels, 1, bias=False),
        )  # fmt: skip

    def forward(self, silhouette: Tensor, maps: Tensor) -> Tensor:
        scores = self.conv(torch.cat((silhouette, maps), dim=1)).unflatten(1, (2, -1))
        weights = scores.softmax(dim=1)
        return weights[:, 0] * silhouette + weights[:, 1] * maps


class PlainPartLinear(nn.Module):
    def __init__(self, strips: int, in_width: int, out_width: int) -> None:
        super().__init__()
        self.fc_bin = nn.Parameter(torch.empty(strips, in_width, out_width))

    def forward(self, features: Tensor) -> Tensor:
        return torch.einsum("ncs,scd->nds", features, self.fc_bin)


class PlainNeck(nn.Module):
    def __init__(self, strips: int, width: int, classes: int) -> None:
        super().__init__()
        self.fc_bin = nn.Parameter(torch.empty(strips, width, classes))
        self.bn1d = nn.BatchNorm1d(width * strips)

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        neck_embedding = F.normalize(self.bn1d(embedding.flatten(1)).view_as(embedding), dim=1)
        return neck_embedding, torch.einsum("nds,sdc->ncs", neck_embedding, F.normalize(self.fc_bin, dim=1))


class PlainNetwork(nn.Module):
    """SkeletonGait (2 channels) or SkeletonGait++ (3 channels) on clips (N, C, T, 64, 44)."""

    def __init__(
        self, in_channels: int, channels: Sequence[int], blocks: Sequence[int], classes: int, width: int = 256
    ) -> None:
        super().__init__()
        width0 = channels[0]
        if in_channels == 2:
            self.layer0 = FrameByFrame(*conv_norm(2, width0), nn.ReLU())
            self.layer1 = FrameByFrame(*(PlainBlock2d(width0) for _ in range(blocks[0])))
        else:
            self.sil_layer0 = FrameByFrame(*conv_norm(1, width0), nn.ReLU())
            self.map_layer0 = FrameByFrame(*conv_norm(2, width0), nn.ReLU())
            self.sil_layer1 = FrameByFrame(*(PlainBlock2d(width0) for _ in range(blocks[0])))
            self.map_layer1 = FrameByFrame(*(PlainBlock2d(width0) for _ in range(blocks[0])))
            self.fusion = PlainFusion(width0)
        self.layer2 = self._layer(channels[0], channels[1], blocks[1], 2)
        self.layer3 = self._layer(channels[1], channels[2], blocks[2], 2)
        self.layer4 = self._layer(channels[2], channels[3], blocks[3], 1)
        self.FCs = PlainPartLinear(16, channels[3], width)
        self.BNNecks = PlainNeck(16, width, classes)

    @staticmethod
    def _layer(in_channels: int, out_channels: int, n_blocks: int, stride: int) -> nn.Sequential:
        others = (PlainPseudo3dBlock(out_channels, out_channels, 1) for _ in range(1, n_blocks))
        return nn.Sequential(PlainPseudo3dBlock(in_channels, out_channels, stride), *others)

    def _front(self, clips: Tensor) -> Tensor:
        if clips.shape[1] == 2:
            return self.layer1(self.layer0(clips))
        maps = self.map_layer1(self.map_layer0(clips[:, :2]))
        silhouette = self.sil_layer1(self.sil_layer0(clips[:, 2:]))
        return self.fusion(silhouette, maps)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return embedding 1, embedding 2 and logits."""
        features = self.layer4(self.layer3(self.layer2(self._front(clips)))).max(dim=2).values
        strips = features.unflatten(2, (16, -1)).flatten(3)
        embedding = self.FCs(strips.mean(-1) + strips.max(-1).values)
        return embedding, *self.BNNecks(embedding)
