"""What a network takes: packed frames and the lengths of their sequences."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from skelgait.errors import ShapeError

FRAME_HW = (64, 44)
"""Height and width of a frame, in pixels."""


def check_frames(frames: Tensor, lengths: Sequence[int], in_channels: int) -> None:
    """Refuse frames and lengths that are not (F, in_channels, 64, 44) floats and the parts of F.

    Raises:
        ShapeError: wrong shape or type of the frames, no sequence, an empty one, or lengths that do not sum to F.
    """
    found = f"{tuple(frames.shape)} {str(frames.dtype).removeprefix('torch.')}"
    if frames.dim() != 4 or frames.shape[1] != in_channels or frames.shape[2:] != FRAME_HW:
        raise ShapeError("frames", found, f"(F, {in_channels}, 64, 44)", _hint_shape(frames, in_channels))
    if not frames.is_floating_point():
        raise ShapeError("frames", found, "values in [0, 1] as floating point", "divide the gray levels by 255")
    if len(lengths) == 0 or min(lengths) < 1:
        raise ShapeError("lengths", str(list(lengths)), "at least one frame a sequence", "leave empty sequences out")
    if sum(lengths) != len(frames):
        expected = f"{len(frames)}, the number of frames"
        raise ShapeError("lengths", f"a sum of {sum(lengths)}", expected, "give the frames of each sequence in order")


def _hint_shape(frames: Tensor, in_channels: int) -> str:
    if frames.dim() != 4:
        return "pack the frames of all sequences one after the other"
    if frames.shape[1] != in_channels:
        return "give limb and joint map to skeletongait, and the silhouette as third channel to skeletongait++"
    if tuple(frames.shape[2:]) == (64, 64):
        return "cut 10 columns a side"
    return "resize the frames to 64 x 64 and cut 10 columns a side"
