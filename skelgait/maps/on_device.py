"""Skeleton maps drawn with torch, many frames at a time on any device; pixels are those of the compiled loops.

Arithmetic is in double precision, but for devices that have none (MPS). Each product and sum is an operation of its
own, so that they are rounded as in `kernels`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from skelgait.maps.fill import Fill
from skelgait.maps.pipeline import SkeletonMaps, filled_keypoints
from skelgait.maps.taps import resizing_taps
from skelgait.skeletons import COCO_17

_HIPS = [COCO_17.index("left hip"), COCO_17.index("right hip")]
_VISIBLE = 1e-3
_ONE_LOWER = [*range(33, 62, 4), *range(66, 123, 8), *range(132, 245, 16)]
# Frames whose canvases are in memory at the same time.
_BLOCK = 128


def skeleton_maps_on(
    poses: NDArray[Any],
    *,
    device: torch.device,
    use_score: bool = True,
    fill: Fill = "knn",
    where: str = "poses",
    **options: Any,
) -> SkeletonMaps:
    """`skelgait.maps.skeleton_maps`, drawn on `device`; missing coordinates are filled on the processor."""
    keypoints_xyc, n_filled = filled_keypoints(poses, fill, use_score, where)
    joints = torch.from_numpy(keypoints_xyc)
    maps = draw_maps(joints.to(device, torch.float32 if device.type == "mps" else None), **options)
    return SkeletonMaps.of(maps.cpu().numpy(), n_filled)


def draw_maps(
    keypoints_xyc: Tensor,
    *,
    canvas_px: int = 128,
    sigma_px: float = 8.0,
    align: bool = True,
    offset_px: int = 0,
    size_px: int = 64,
) -> Tensor:
    """Skeleton maps of frames, which need not be of one sequence; nothing leaves the device.

    Args:
        keypoints_xyc: (T, 17, 3) COCO-17 joints, without missing ones: x px, y px, confidence in [0, 1].
        canvas_px: side of the square that frames are drawn on.
        sigma_px: width of the Gaussians on the canvas.
        align: crop to the body's rows before resizing.
        offset_px: rows kept above and below the body.
        size_px: side of the maps.

    Returns:
        (T, 2, size, size) uint8; channel 0 limbs, channel 1 joints.
    """
    maps = keypoints_xyc.new_zeros((len(keypoints_xyc), 2, size_px, size_px), dtype=torch.uint8)
    for start in range(0, len(maps), _BLOCK):
        placed = _normalize(keypoints_xyc[start : start + _BLOCK], canvas_px)
        xy, confidence = (values.to(_float_of(values.device)) for values in placed)
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


def _float_of(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64


def _normalize(keypoints_xyc: Tensor, canvas_px: int) -> tuple[Tensor, Tensor]:
    """As `normalize.normalize`; frames without height get confidence 0."""
    xy, confidence = keypoints_xyc[..., :2], keypoints_xyc[..., 2]
    centered = xy - xy[:, _HIPS].mean(1, keepdim=True)
    height = xy[..., 1].amax(1) - xy[..., 1].amin(1)
    has_height = height > 0
    # A number divided by a tensor would be multiplied by its reciprocal, which is rounded twice.
    scale = torch.full_like(height, canvas_px // 1.5) / height.where(has_height, torch.ones_like(height))
    return centered * scale[:, None, None] + canvas_px // 2, confidence * has_height[:, None]


def _limbs(xy: Tensor, confidence: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """(T, canvas, canvas) the smallest q = d^2 / 2 sigma^2 - ln c of all limbs, see `kernels`."""
    q = xy.new_full((len(xy), canvas_px, canvas_px), torch.inf)
    for a, b in COCO_17.limb_indices().tolist():
        is_short = (xy[:, b] - xy[:, a]).square().sum(1) < 1
        end = xy[:, b].where(~is_short[:, None], xy[:, a])
        weaker = torch.minimum(confidence[:, a], confidence[:, b])
        value = confidence[:, a].where(is_short, weaker)
        torch.minimum(q, _quotients(xy[:, a], end, value, weaker >= _VISIBLE, canvas_px, sigma_px), out=q)
    return q


def _joints(xy: Tensor, confidence: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """As `_limbs`, of all joints."""
    q = xy.new_full((len(xy), canvas_px, canvas_px), torch.inf)
    for j in range(xy.shape[1]):
        at, value = xy[:, j], confidence[:, j]
        torch.minimum(q, _quotients(at, at, value, value >= _VISIBLE, canvas_px, sigma_px), out=q)
    return q


def _quotients(start: Tensor, end: Tensor, value: Tensor, is_seen: Tensor, canvas_px: int, sigma_px: float) -> Tensor:
    """(T, canvas, canvas) q of one limb, infinite outside of its window."""
    scale = 1 / (2**0.5 * sigma_px)
    direction, middle = end - start, (start + end) / 2
    length = direction.square().sum(1).sqrt()
    has_length = length > 0
    along = scale * direction / length.where(has_length, torch.ones_like(length))[:, None]
    along = torch.where(has_length[:, None], along, torch.tensor([scale, 0.0], dtype=along.dtype, device=along.device))
    pixels = torch.arange(canvas_px, dtype=start.dtype, device=start.device)
    x, y = pixels[None, None, :] - middle[:, 0, None, None], pixels[None, :, None] - middle[:, 1, None, None]
    along_x, along_y = along[:, 0, None, None], along[:, 1, None, None]
    beyond = ((x * along_x + y * along_y).abs() - scale * length[:, None, None] / 2).clamp_(min=0)
    aside = x * along_y - y * along_x
    q = aside.square() + beyond.square() - value.clamp(min=_VISIBLE).log()[:, None, None]
    low = (torch.minimum(start, end) - 3 * sigma_px).trunc()
    high = (torch.maximum(start, end) + 3 * sigma_px).trunc()
    in_x = (pixels >= low[:, :1]) & (pixels <= high[:, :1]) & is_seen[:, None]
    in_y = (pixels >= low[:, 1:]) & (pixels <= high[:, 1:])
    return q.masked_fill_(~(in_y[:, :, None] & in_x[:, None, :]), torch.inf)


def _levels(q: Tensor) -> Tensor:
    """Gray levels / 255 of q; the 1e-9 is for levels that are hit exactly."""
    levels = (q.neg().exp() * (256 * (1 + 1e-9))).clamp_(0, 255).long()
    return _greys(q.device)[levels]


@cache
def _greys(device: torch.device) -> Tensor:
    """(256,) from a level to the gray that is drawn, / 255: some are one lower."""
    grays = torch.arange(256, dtype=_float_of(device))
    grays[_ONE_LOWER] -= 1
    return (grays / 255).to(device)


def _resize(images: Tensor, align: bool, offset_px: int, size: int) -> Tensor:
    """(n, canvas, canvas) gray levels / 255 to (n, size, size) uint8, cropped and resized as in `kernels`."""
    canvas = images.shape[1]
    limits = _crop_limits(images.any(2), canvas, offset_px) if align else images.new_tensor([0, canvas] * 2).long()
    top, bottom, left, right = limits.expand(len(images), 4).unbind(1)
    height, width = bottom - top, right - left
    places = torch.arange(canvas, device=images.device)
    rows = (top[:, None] + places).clamp(max=canvas - 1)[:, :, None].expand_as(images)
    columns = (left[:, None] + places).clamp(max=canvas - 1)[:, None, :].expand_as(images)
    crops = images.gather(1, rows).gather(2, columns)
    enlarged = ((height < size) | (width < size)).long()
    across = _weigh(crops, *_taps_of(canvas, size, images.device), enlarged, width)
    resized = _weigh(across.transpose(1, 2), *_taps_of(canvas, size, images.device), enlarged, height).transpose(1, 2)
    is_whole = (height % size == 0) & (width % size == 0) & (enlarged == 0)
    for tall, wide in sorted(set(map(tuple, torch.stack([height, width], 1)[is_whole].tolist()))):
        same = is_whole & (height == tall) & (width == wide)
        resized[same] = _cell_means(crops[same, :tall, :wide], size)
    return (resized * 255).to(torch.uint8)


def _crop_limits(is_lit: Tensor, canvas: int, offset_px: int) -> Tensor:
    """(n, 4) first and past-the-last row and column; the whole canvas where no row is lit."""
    numbers = torch.arange(canvas, device=is_lit.device)
    some = is_lit.any(1)
    top = numbers.where(is_lit, canvas).amin(1).where(some, 0)
    bottom = (numbers + 1).where(is_lit, 0).amax(1).where(some, canvas)
    top, bottom = (top - offset_px).clamp(min=0), (bottom + offset_px).clamp(max=canvas)
    half, middle = (bottom - top) // 2, canvas // 2
    return torch.stack([top, bottom, (middle - half).clamp(min=0), (middle + half + 1).clamp(max=canvas)], dim=1)


@cache
def _taps_of(canvas: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Starts (2, canvas + 1, size) and weights (2, canvas + 1, size, most), see `taps`; unused weights are 0."""
    taps = resizing_taps(canvas, size)
    return torch.from_numpy(taps.starts).to(device), torch.from_numpy(taps.weights).to(device, _float_of(device))


def _weigh(images: Tensor, starts: Tensor, weights: Tensor, enlarged: Tensor, lengths: Tensor) -> Tensor:
    """(n, rows, canvas) to (n, rows, size): each pixel the weighted sum of its taps, in their order."""
    first, own = starts[enlarged, lengths], weights[enlarged, lengths]
    total = images.new_zeros((*images.shape[:2], first.shape[1]))
    for k in range(own.shape[2]):
        places = (first + k).clamp(max=images.shape[2] - 1)[:, None, :].expand(-1, images.shape[1], -1)
        total += own[:, None, :, k] * images.gather(2, places)
    return total


def _cell_means(crops: Tensor, size: int) -> Tensor:
    """(n, size * a, size * b) to (n, size, size): the mean of each cell, its pixels summed in fours, row by row."""
    rows, columns = crops.shape[1] // size, crops.shape[2] // size
    cells = crops.reshape(-1, size, rows, size, columns).transpose(2, 3).flatten(3).unbind(3)
    in_fours = len(cells) // 4 * 4
    total = torch.zeros_like(cells[0])
    for i in range(0, in_fours, 4):
        total = total + (((cells[i] + cells[i + 1]) + cells[i + 2]) + cells[i + 3])
    for cell in cells[in_fours:]:
        total = total + cell
    return total * float(torch.tensor(1.0) / torch.tensor(float(len(cells))))
