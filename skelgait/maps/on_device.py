"""Skeleton maps drawn with torch, in batches of frames on any device, with the same pixels as `kernels`.

Arithmetic is in double precision, except on devices without it (MPS). Products and sums are separate operations, so
that results are rounded as in `kernels`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from skelgait.errors import ShapeError
from skelgait.maps.fill import Fill
from skelgait.maps.pipeline import SkeletonMaps, prepare_keypoints
from skelgait.maps.resize_weights import resize_weights
from skelgait.skeletons import COCO_17

_HIPS = [COCO_17.index("left hip"), COCO_17.index("right hip")]
_MIN_CONFIDENCE = 1e-3
# Gray levels that are drawn one lower, see `kernels`.
_ONE_LOWER = [*range(33, 62, 4), *range(66, 123, 8), *range(132, 245, 16)]
# Frames that are drawn at once; limits the memory for canvases.
_BLOCK = 128


def skeleton_maps_on(
    poses: ArrayLike,
    *,
    device: torch.device,
    use_score: bool = True,
    fill: Fill = "knn",
    name: str = "poses",
    **options: Any,
) -> SkeletonMaps:
    """Draw skeleton maps on `device`; missing coordinates are filled on the CPU.

    Args:
        poses: as in `skelgait.maps.skeleton_maps`, like the arguments not listed here.
        device: device to draw on.
        use_score: True: multiply joints and limbs by their confidence; False: use 1.
        fill: how to fill missing coordinates, see `fill_missing`.
        name: name of the sequence in error messages.
        options: options of `draw_maps`.

    Returns:
        The maps in CPU memory, and counts of filled joints and empty maps.

    Raises:
        ShapeError: if `poses` has another shape.
        DataError: if a value is not finite.
    """
    keypoints_xyc, n_filled = prepare_keypoints(poses, fill, use_score, name)
    maps = draw_maps(torch.from_numpy(keypoints_xyc).to(device, _input_dtype(device)), **options)
    return SkeletonMaps.from_maps(maps.cpu().numpy(), n_filled)


def draw_maps(
    keypoints_xyc: Tensor | ArrayLike,
    *,
    canvas_px: int = 128,
    sigma_px: float = 8.0,
    align: bool = True,
    offset_px: int = 0,
    size_px: int = 64,
) -> Tensor:
    """Draw skeleton maps of frames, from one or more sequences, on the device of the input.

    Missing joints are not filled; `skelgait.skeleton_maps` does so.

    Args:
        keypoints_xyc: (T, 17, 3) COCO-17 joints without missing ones: x px, y px, confidence in [0, 1]. Tensor on any
            device; an array or nested list is drawn on the CPU.
        canvas_px: side of the square canvas that each frame is drawn on.
        sigma_px: standard deviation of the Gaussians on the canvas.
        align: crop to the rows of the body before resizing.
        offset_px: rows to keep above and below the body.
        size_px: side of the maps.

    Returns:
        (T, 2, size, size) uint8 in [0, 255] on the device of the input; channel 0 limbs, channel 1 joints.

    Raises:
        ShapeError: if the input is not (T, 17, 3).
    """
    keypoints_xyc = _as_tensor(keypoints_xyc)
    maps = keypoints_xyc.new_zeros((len(keypoints_xyc), 2, size_px, size_px), dtype=torch.uint8)
    for start in range(0, len(maps), _BLOCK):
        normalized = _normalize(keypoints_xyc[start : start + _BLOCK], canvas_px)
        xy, confidence = (values.to(_dtype(values.device)) for values in normalized)
        levels = torch.stack(
            [
                _levels(_limbs(xy, confidence, canvas_px, sigma_px)),
                _levels(_joints(xy, confidence, canvas_px, sigma_px)),
            ],
            dim=1,
        )
        drawn = _resize(levels.flatten(0, 1), align, offset_px, size_px)
        maps[start : start + _BLOCK] = drawn.view(-1, 2, size_px, size_px)
    return maps


def _as_tensor(keypoints_xyc: Tensor | ArrayLike) -> Tensor:
    tensor = keypoints_xyc if isinstance(keypoints_xyc, Tensor) else torch.from_numpy(np.array(keypoints_xyc))
    if tensor.ndim != 3 or tensor.shape[1:] != (len(COCO_17.joints), 3):
        hint = "convert the poses with skelgait.skeletons.to_coco17"
        raise ShapeError("keypoints_xyc", f"shape {tuple(tensor.shape)}", "(T, 17, 3)", hint)
    return tensor if tensor.is_floating_point() else tensor.to(_dtype(tensor.device))


def _dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _input_dtype(device: torch.device) -> torch.dtype | None:
    """Return the dtype that inputs are converted to; None: unchanged."""
    return torch.float32 if device.type == "mps" else None


def _normalize(keypoints_xyc: Tensor, canvas_px: int) -> tuple[Tensor, Tensor]:
    """Normalize like `normalize.normalize`; frames without height get confidence 0."""
    xy, confidence = keypoints_xyc[..., :2], keypoints_xyc[..., 2]
    centered = xy - xy[:, _HIPS].mean(1, keepdim=True)
    height = xy[..., 1].amax(1) - xy[..., 1].amin(1)
    has_height = height > 0
    # torch computes number / tensor as number * reciprocal, which rounds twice.
    scale = torch.full_like(height, canvas_px // 1.5) / height.where(has_height, torch.ones_like(height))
    return centered * scale[:, None, None] + canvas_px // 2, confidence * has_height[:, None]


def _limbs(xy: Tensor, confidence: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """Return (T, canvas, canvas) the smallest q = d^2 / 2 sigma^2 - ln c of all limbs, see `kernels`."""
    q = xy.new_full((len(xy), canvas_px, canvas_px), torch.inf)
    for a, b in COCO_17.limb_indices().tolist():
        is_short = (xy[:, b] - xy[:, a]).square().sum(1) < 1
        end = xy[:, b].where(~is_short[:, None], xy[:, a])
        weaker = torch.minimum(confidence[:, a], confidence[:, b])
        value = confidence[:, a].where(is_short, weaker)
        torch.minimum(q, _limb(xy[:, a], end, value, weaker >= _MIN_CONFIDENCE, canvas_px, sigma_px), out=q)
    return q


def _joints(xy: Tensor, confidence: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """Return (T, canvas, canvas) the smallest q of all joints, like `_limbs`."""
    q = xy.new_full((len(xy), canvas_px, canvas_px), torch.inf)
    for j in range(xy.shape[1]):
        joint, value = xy[:, j], confidence[:, j]
        torch.minimum(q, _limb(joint, joint, value, value >= _MIN_CONFIDENCE, canvas_px, sigma_px), out=q)
    return q


def _limb(start: Tensor, end: Tensor, value: Tensor, is_seen: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """Return (T, canvas, canvas) q of one limb, infinite outside its window."""
    scale = 1 / (2**0.5 * sigma_px)
    direction, center = end - start, (start + end) / 2
    length = direction.square().sum(1).sqrt()
    has_length = length > 0
    along = scale * direction / length.where(has_length, torch.ones_like(length))[:, None]
    along = torch.where(has_length[:, None], along, torch.tensor([scale, 0.0], dtype=along.dtype, device=along.device))
    pixels = torch.arange(canvas_px, dtype=start.dtype, device=start.device)
    x, y = pixels[None, None, :] - center[:, 0, None, None], pixels[None, :, None] - center[:, 1, None, None]
    along_x, along_y = along[:, 0, None, None], along[:, 1, None, None]
    beyond = ((x * along_x + y * along_y).abs() - scale * length[:, None, None] / 2).clamp_(min=0)
    aside = x * along_y - y * along_x
    q = aside.square() + beyond.square() - value.clamp(min=_MIN_CONFIDENCE).log()[:, None, None]
    low = (torch.minimum(start, end) - 3 * sigma_px).trunc()
    high = (torch.maximum(start, end) + 3 * sigma_px).trunc()
    in_x = (pixels >= low[:, :1]) & (pixels <= high[:, :1]) & is_seen[:, None]
    in_y = (pixels >= low[:, 1:]) & (pixels <= high[:, 1:])
    return q.masked_fill_(~(in_y[:, :, None] & in_x[:, None, :]), torch.inf)


def _levels(q: Tensor) -> Tensor:
    """Return the gray levels / 255 of q; 1 + 1e-9 keeps exact levels from being rounded down."""
    levels = (q.neg().exp() * (256 * (1 + 1e-9))).clamp_(0, 255).long()
    return _grays(q.device)[levels]


@cache
def _grays(device: torch.device) -> Tensor:
    """Return (256,) the gray / 255 that is drawn for each level; some are one lower."""
    grays = torch.arange(256, dtype=_dtype(device))
    grays[_ONE_LOWER] -= 1
    return (grays / 255).to(device)


def _resize(images: Tensor, align: bool, offset_px: int, size: int) -> Tensor:
    """Crop and resize gray levels / 255, (n, canvas, canvas), to (n, size, size) uint8, like `kernels`."""
    canvas = images.shape[1]
    limits = _crop_limits(images.any(2), canvas, offset_px) if align else images.new_tensor([0, canvas] * 2).long()
    top, bottom, left, right = limits.expand(len(images), 4).unbind(1)
    height, width = bottom - top, right - left
    indices = torch.arange(canvas, device=images.device)
    rows = (top[:, None] + indices).clamp(max=canvas - 1)[:, :, None].expand_as(images)
    columns = (left[:, None] + indices).clamp(max=canvas - 1)[:, None, :].expand_as(images)
    crops = images.gather(1, rows).gather(2, columns)
    enlarged = ((height < size) | (width < size)).long()
    weights = _weights_on(canvas, size, images.device)
    across = _resize_rows(crops, *weights, enlarged, width)
    resized = _resize_rows(across.transpose(1, 2), *weights, enlarged, height).transpose(1, 2)
    is_whole = (height % size == 0) & (width % size == 0) & (enlarged == 0)
    for tall, wide in sorted(set(map(tuple, torch.stack([height, width], 1)[is_whole].tolist()))):
        same = is_whole & (height == tall) & (width == wide)
        resized[same] = _cell_means(crops[same, :tall, :wide], size)
    return (resized * 255).to(torch.uint8)


def _crop_limits(is_lit: Tensor, canvas: int, offset_px: int) -> Tensor:
    """Return (n, 4) first row, end row, first column and end column; the whole canvas for black images."""
    numbers = torch.arange(canvas, device=is_lit.device)
    has_content = is_lit.any(1)
    top = numbers.where(is_lit, canvas).amin(1).where(has_content, 0)
    bottom = (numbers + 1).where(is_lit, 0).amax(1).where(has_content, canvas)
    top, bottom = (top - offset_px).clamp(min=0), (bottom + offset_px).clamp(max=canvas)
    half, center = (bottom - top) // 2, canvas // 2
    return torch.stack([top, bottom, (center - half).clamp(min=0), (center + half + 1).clamp(max=canvas)], dim=1)


@cache
def _weights_on(canvas: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return starts (2, canvas + 1, size) and weights (2, canvas + 1, size, max_count) of `kernels.ResizeWeights`."""
    resizing = resize_weights(canvas, size)
    return torch.from_numpy(resizing.starts).to(device), torch.from_numpy(resizing.weights).to(device, _dtype(device))


def _resize_rows(images: Tensor, starts: Tensor, weights: Tensor, enlarged: Tensor, lengths: Tensor) -> Tensor:
    """Resize the rows of images, (n, rows, canvas), to (n, rows, size), summing source pixels in ascending order."""
    first, factors = starts[enlarged, lengths], weights[enlarged, lengths]
    total = images.new_zeros((*images.shape[:2], first.shape[1]))
    for k in range(factors.shape[2]):
        columns = (first + k).clamp(max=images.shape[2] - 1)[:, None, :].expand(-1, images.shape[1], -1)
        total += factors[:, None, :, k] * images.gather(2, columns)
    return total


def _cell_means(crops: Tensor, size: int) -> Tensor:
    """Return the mean of each cell: (n, size * a, size * b) to (n, size, size).

    The pixels of a cell are summed row by row in groups of four, like in `kernels`.
    """
    rows, columns = crops.shape[1] // size, crops.shape[2] // size
    cells = crops.reshape(-1, size, rows, size, columns).transpose(2, 3).flatten(3).unbind(3)
    in_fours = len(cells) // 4 * 4
    total = torch.zeros_like(cells[0])
    for i in range(0, in_fours, 4):
        total = total + (((cells[i] + cells[i + 1]) + cells[i + 2]) + cells[i + 3])
    for cell in cells[in_fours:]:
        total = total + cell
    return total * float(torch.tensor(1.0) / torch.tensor(float(len(cells))))
