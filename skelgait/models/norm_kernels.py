"""Batch norm, the addition after it and the rectifier in compiled loops, for float32 on a CPU.

All of it is limited by memory: each array is read once to sum up and once to compute, and written once. Sums are kept
in float64 for each frame apart and then added up, so that they are exact to float32 and do not depend on the threads.

Arrays are (F, R, K): a frame's values as they lie in channels_last memory, cut into R rows of K values; K is a multiple
of the channels, so that what belongs to a channel repeats within a row. Values of a channel come as (K,), repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]
_ROW_VALUES = 1024

_compiled = numba.njit(nogil=True, cache=True, fastmath={"contract", "nsz"}, error_model="numpy")


def rows_of(frames: Tensor) -> Floats:
    """(F, C, H, W) float32 frames in channels_last memory as (F, R, K) rows, without a copy."""
    n_frames, channels, height, width = frames.shape
    pixels = height * width
    together = math.gcd(pixels, 2 ** max(0, int(math.log2(_ROW_VALUES / channels)) if channels < _ROW_VALUES else 0))
    rows: Floats = frames.permute(0, 2, 3, 1).numpy().reshape(n_frames, pixels // together, together * channels)
    return rows


def moments(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of each channel, (C,) float32 each."""
    rows = rows_of(frames)
    sums = np.zeros((2, len(rows), rows.shape[2]))
    _in_threads(_sum, rows, sums)
    mean, square = _over_all(sums, frames.shape[1]) / (frames.numel() / frames.shape[1])
    return _tensor(mean), _tensor(np.maximum(square - mean * mean, 0))


def normalise(
    frames: Tensor, residual: Tensor | None, mean: Tensor, scale: Tensor, bias: Tensor, *, relu: bool
) -> Tensor:
    """(frames - mean) * scale + bias + residual, rectified if wanted."""
    out = torch.empty_like(frames)
    rows = rows_of(frames)
    added = rows if residual is None else rows_of(residual)
    tiled = _tiled(rows, mean, scale, bias)
    _in_threads(_normalise, rows, added, residual is not None, relu, *tiled, rows_of(out))
    return out


def gradients(
    grad: Tensor,
    out: Tensor,
    frames: Tensor,
    mean: Tensor,
    inverse_std: Tensor,
    weight: Tensor,
    *,
    relu: bool,
    has_residual: bool,
) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
    """Gradients of the frames, of the residual (None where there was none), of weight and of bias.

    Args:
        grad: gradient of `out`.
        out: what `normalise` gave.
        frames: what it was given.
        mean: (C,) of the frames.
        inverse_std: (C,) of the frames.
        weight: (C,) of the batch norm.
        relu: whether `out` was rectified.
        has_residual: whether there was a residual.
    """
    rows, grad_rows, out_rows = rows_of(frames), rows_of(grad), rows_of(out)
    sums = np.zeros((2, len(rows), rows.shape[2]))
    _in_threads(_sum_gradients, grad_rows, out_rows, rows, relu, *_tiled(rows, mean), sums)
    of_bias, of_deviation = _over_all(sums, frames.shape[1])
    n_values = frames.numel() / frames.shape[1]
    std = inverse_std.double().numpy()
    slope = weight.detach().double().numpy() * std
    # The gradient of the frames is slope (grad - mean of grad - normalised frame x mean of grad x normalised frame).
    of_frame = -slope * std * std * of_deviation / n_values
    constant = -slope * of_bias / n_values
    of_frames = torch.empty_like(frames)
    keep = relu and has_residual
    masked = torch.empty_like(frames) if keep else of_frames
    tiled = _tiled(rows, mean, _tensor(slope), _tensor(of_frame), _tensor(constant))
    _in_threads(_gradient, grad_rows, out_rows, rows, relu, keep, *tiled, rows_of(of_frames), rows_of(masked))
    of_residual = (masked if relu else grad) if has_residual else None
    return of_frames, of_residual, _tensor(of_deviation * std), _tensor(of_bias)


@_compiled
def _sum(first: int, last: int, rows: Floats, sums: NDArray[np.float64]) -> None:
    for frame in range(first, last):
        for row in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                value = np.float64(rows[frame, row, k])
                sums[0, frame, k] += value
                sums[1, frame, k] += value * value


@_compiled
def _normalise(
    first: int,
    last: int,
    rows: Floats,
    residual: Floats,
    add: bool,
    relu: bool,
    mean: Floats,
    scale: Floats,
    bias: Floats,
    out: Floats,
) -> None:
    for frame in range(first, last):
        for row in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                value = (rows[frame, row, k] - mean[k]) * scale[k] + bias[k]
                if add:
                    value += residual[frame, row, k]
                if relu:
                    value = max(value, np.float32(0))
                out[frame, row, k] = value


@_compiled
def _sum_gradients(
    first: int, last: int, grad: Floats, out: Floats, rows: Floats, relu: bool, mean: Floats, sums: NDArray[np.float64]
) -> None:
    for frame in range(first, last):
        for row in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                value = grad[frame, row, k]
                if relu:
                    value = value if out[frame, row, k] > 0 else np.float32(0)
                sums[0, frame, k] += value
                sums[1, frame, k] += value * (rows[frame, row, k] - mean[k])


@_compiled
def _gradient(
    first: int,
    last: int,
    grad: Floats,
    out: Floats,
    rows: Floats,
    relu: bool,
    keep: bool,
    mean: Floats,
    slope: Floats,
    of_frame: Floats,
    constant: Floats,
    of_frames: Floats,
    masked: Floats,
) -> None:
    for frame in range(first, last):
        for row in range(rows.shape[1]):
            for k in range(rows.shape[2]):
                value = grad[frame, row, k]
                if relu:
                    value = value if out[frame, row, k] > 0 else np.float32(0)
                deviation = rows[frame, row, k] - mean[k]
                of_frames[frame, row, k] = slope[k] * value + of_frame[k] * deviation + constant[k]
                if keep:
                    masked[frame, row, k] = value


def _in_threads(kernel: Callable[..., None], rows: Floats, *more: Any) -> None:
    """Run a kernel on all frames, a share of them in each of as many threads as torch has."""
    n_threads = min(torch.get_num_threads(), len(rows))
    if n_threads <= 1:
        kernel(0, len(rows), rows, *more)
        return
    ends = [len(rows) * i // n_threads for i in range(n_threads + 1)]
    others = [_threads(n_threads - 1).submit(kernel, start, end, rows, *more) for start, end in pairwise(ends[1:])]
    kernel(0, ends[1], rows, *more)
    for other in others:
        other.result()


@cache
def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, "batch-norm")


def _over_all(sums: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    """(2, F, K) sums of each frame and place in a row as (2, C) sums of all."""
    total: NDArray[np.float64] = sums.sum(1).reshape(2, -1, channels).sum(1)
    return total


def _tiled(rows: Floats, *values: Tensor) -> list[Floats]:
    """(C,) values repeated to the length of a row."""
    return [np.tile(value.detach().numpy(), rows.shape[2] // len(value)) for value in values]


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values).float()
