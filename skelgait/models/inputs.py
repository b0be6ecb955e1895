"""Input of a network: packed frames and the lengths of their sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from skelgait.errors import ShapeError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

FRAME_HW = (64, 44)
"""Height and width of a frame, in pixels."""

Modality = Literal["map", "silhouette"]

CHANNELS: dict[Modality, tuple[str, ...]] = {"map": ("limb map", "joint map"), "silhouette": ("silhouette",)}
"""Channels of a frame that each modality fills, in order."""


def channels_of(modalities: Sequence[Modality]) -> tuple[str, ...]:
    """Return the channel names of a frame with the given modalities, in order."""
    return tuple(channel for modality in modalities for channel in CHANNELS[modality])


def scale_frames(frames: Tensor, device: torch.device | str | None = None) -> Tensor:
    """Return frames as the input of a network.

    Args:
        frames: (F, C, 64, 44) uint8 gray levels.
        device: device of the network; default: the device of the frames.

    Returns:
        (F, C, 64, 44) float32 in [0, 1], in channels-last memory format, which is faster.
    """
    import torch

    frames = frames.to(device or frames.device, non_blocking=True)
    return frames.to(torch.float32, memory_format=torch.channels_last).div_(255)


def check_frames(frames: Tensor, lengths: Sequence[int], modalities: Sequence[Modality]) -> None:
    """Check that frames are (F, C, 64, 44) floating point and that the lengths sum to F.

    Args:
        frames: frames of all sequences, one sequence after the other.
        lengths: number of frames of each sequence.
        modalities: modalities of the network, which determine C.

    Raises:
        ShapeError: if shape or type of the frames is wrong, or if a length is below 1 or the lengths do not sum to F.
    """
    in_channels = len(channels_of(modalities))
    found = f"{tuple(frames.shape)} {str(frames.dtype).removeprefix('torch.')}"
    if frames.dim() != 4 or frames.shape[1] != in_channels or frames.shape[2:] != FRAME_HW:
        raise ShapeError("frames", found, f"(F, {in_channels}, 64, 44)", _hint_shape(frames, modalities))
    if not frames.is_floating_point():
        raise ShapeError("frames", found, "values in [0, 1] as floating point", "divide gray levels by 255")
    if len(lengths) == 0 or min(lengths) < 1:
        raise ShapeError(
            "lengths", str(list(lengths)), "at least one frame in each sequence", "leave out empty sequences"
        )
    if sum(lengths) != len(frames):
        expected = f"{len(frames)}, the number of frames"
        raise ShapeError(
            "lengths", f"a sum of {sum(lengths)}", expected, "list the number of frames of each sequence, in order"
        )


def _hint_shape(frames: Tensor, modalities: Sequence[Modality]) -> str:
    if frames.dim() != 4:
        return "concatenate the frames of all sequences along the first axis"
    channels = channels_of(modalities)
    if frames.shape[1] != len(channels):
        return f"the channels of this network are {', '.join(channels)}"
    if tuple(frames.shape[2:]) == (64, 64):
        return "cut 10 columns on each side"
    return "resize the frames to 64 x 64 and cut 10 columns on each side"
