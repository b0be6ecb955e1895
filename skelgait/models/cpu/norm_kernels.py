"""The compiled loops of batch norm, residual addition and ReLU in training, on torch's own threads.

Frames in channels_last memory are taken as a table, (rows, width): a row holds the channels of one or more pixels, so
that the innermost loops are long even where channels are few. What is known of a channel is repeated to `width`.

A loop is entered by all threads of an OpenMP team, and each does its share of the rows. The team is torch's own: other
threads would wait for torch's, which keep their cores busy for some milliseconds after they have finished.

The mean is taken off before anything else: folded into the bias, it would cost several digits where a channel varies
little about a large mean, as most do.

The ReLU cuts at `floor`: 0, or minus infinity, which is no ReLU. NaN passes, for training looks for it.

All of it is in one file, since numba keeps compiled code until the file that it stands in changes.
"""

from __future__ import annotations

from ctypes import CDLL, addressof, c_int64, c_uint, c_void_p
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types  # type: ignore[attr-defined]
from torch import Tensor

# The symbols of torch's OpenMP are global in a process that has imported torch.
_run_team = CDLL(None).GOMP_parallel
_run_team.argtypes = (c_void_p, c_void_p, c_uint, c_uint)
_run_team.restype = None
_this_thread: Any = types.ExternalFunction("omp_get_thread_num", types.int32())
_n_threads: Any = types.ExternalFunction("omp_get_num_threads", types.int32())

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nsz", "contract"})
# The only argument is an array of the addresses of (rows, width) and of what `run` is given.
_entry = cfunc(types.void(types.CPointer(types.voidptr)), cache=True)  # type: ignore[no-untyped-call]
_F32, _F64, _I64 = np.float32, np.float64, np.int64
_array: Any = carray


def run(entry: Any, n_threads: int, rows: int, width: int, *tensors: Tensor) -> None:
    """Let a team of threads enter one of the functions at the end of this file.

    Args:
        entry: which one.
        n_threads: size of the team.
        rows: rows of the frames.
        width: their width.
        tensors: the arguments of the entry, dense in memory: float32 in channels_last, or tables as it says.
    """
    sizes = (c_int64 * 2)(rows, width)
    addresses = (c_void_p * (1 + len(tensors)))(addressof(sizes), *(tensor.data_ptr() for tensor in tensors))
    _run_team(entry.address, addresses, n_threads, 0)


@_loop
def _add_moments(x, sums):  # type: ignore[no-untyped-def]
    """Sum values and their squares, in float64: so, their difference loses nothing that float32 has."""
    total, squares = sums[0], sums[1]
    for row in range(len(x)):
        values = x[row]
        for k in range(len(total)):
            value = _F64(values[k])
            total[k] += value
            squares[k] += value * value


@_loop
def _normalize(out, x, channels):  # type: ignore[no-untyped-def]
    scale, bias, mean, floor = channels[0], channels[1], channels[2], channels[3]
    for row in range(len(x)):
        values, to = x[row], out[row]
        for k in range(len(scale)):
            value = (values[k] - mean[k]) * scale[k] + bias[k]
            to[k] = floor[k] if value <= floor[k] else value


@_loop
def _normalize_add_rectify(out, x, residual, channels):  # type: ignore[no-untyped-def]
    scale, bias, mean = channels[0], channels[1], channels[2]
    for row in range(len(x)):
        values, added, to = x[row], residual[row], out[row]
        for k in range(len(scale)):
            value = (values[k] - mean[k]) * scale[k] + bias[k] + added[k]
            to[k] = _F32(0) if value <= _F32(0) else value


@_loop
def _cut(of_sum, grad, out):  # type: ignore[no-untyped-def]
    """The gradient before the ReLU from that behind it."""
    for row in range(len(grad)):
        upper, reached, to = grad[row], out[row], of_sum[row]
        for k in range(len(to)):
            value = upper[k]
            to[k] = _F32(0) if reached[k] <= _F32(0) else value


@_loop
def _add_gradients(grad, x, channels, sums):  # type: ignore[no-untyped-def]
    """Sum the gradients of the normalized values, and their products with the centered values.

    Four rows at a time are summed in float32: the sums in float64 take longer than the memory.
    """
    scale, bias, mean, floor = channels[0], channels[1], channels[2], channels[3]
    total, products = sums[0], sums[1]
    fours = len(x) // 4 * 4
    for row in range(0, fours, 4):
        x0, x1, x2, x3 = x[row], x[row + 1], x[row + 2], x[row + 3]
        g0, g1, g2, g3 = grad[row], grad[row + 1], grad[row + 2], grad[row + 3]
        for k in range(len(total)):
            a, b, low, middle = scale[k], bias[k], floor[k], mean[k]
            # Read whether they are needed or not, so that the loop has no branches.
            v0, v1, v2, v3 = x0[k] - middle, x1[k] - middle, x2[k] - middle, x3[k] - middle
            d0, d1, d2, d3 = g0[k], g1[k], g2[k], g3[k]
            d0 = _F32(0) if v0 * a + b <= low else d0
            d1 = _F32(0) if v1 * a + b <= low else d1
            d2 = _F32(0) if v2 * a + b <= low else d2
            d3 = _F32(0) if v3 * a + b <= low else d3
            total[k] += (d0 + d1) + (d2 + d3)
            products[k] += (d0 * v0 + d1 * v1) + (d2 * v2 + d3 * v3)
    for row in range(fours, len(x)):
        values, upper = x[row], grad[row]
        for k in range(len(total)):
            value, d = values[k] - mean[k], upper[k]
            d = _F32(0) if value * scale[k] + bias[k] <= floor[k] else d
            total[k] += d
            products[k] += d * value


@_loop
def _differentiate(of_x, grad, x, channels, means):  # type: ignore[no-untyped-def]
    scale, bias, mean, floor = channels[0], channels[1], channels[2], channels[3]
    for_centered, constant = means[0], means[1]
    for row in range(len(x)):
        values, upper, to = x[row], grad[row], of_x[row]
        for k in range(len(scale)):
            value, d = values[k] - mean[k], upper[k]
            d = _F32(0) if value * scale[k] + bias[k] <= floor[k] else d
            to[k] = scale[k] * d + (value * for_centered[k] + constant[k])


@_loop
def _own_rows(args, i):  # type: ignore[no-untyped-def]
    """This thread's rows of frames."""
    rows, width = _array(args[0], 2, _I64)
    thread, n = _I64(_this_thread()), _I64(_n_threads())
    return _array(args[i], (rows, width), _F32)[rows * thread // n : rows * (thread + 1) // n]


@_loop
def _channels(args, i, n):  # type: ignore[no-untyped-def]
    """Table of n values of each channel."""
    return _array(args[i], (n, _array(args[0], 2, _I64)[1]), _F32)


@_loop
def _own_sums(args, i):  # type: ignore[no-untyped-def]
    """This thread's two sums of each channel."""
    return _array(args[i], (_I64(_n_threads()), 2, _array(args[0], 2, _I64)[1]), _F64)[_this_thread()]


@_entry
def moments(args):  # type: ignore[no-untyped-def]
    """Arguments: x; (threads, 2, width) float64 zeros, which become sums of x and of its squares."""
    _add_moments(_own_rows(args, 1), _own_sums(args, 2))


@_entry
def normalize(args):  # type: ignore[no-untyped-def]
    """Arguments: out, is written to; x; (4, width) scale, bias, mean, floor."""
    _normalize(_own_rows(args, 1), _own_rows(args, 2), _channels(args, 3, 4))


@_entry
def normalize_add_rectify(args):  # type: ignore[no-untyped-def]
    """Arguments: out, is written to; x; residual; (4, width) as of `normalize`."""
    _normalize_add_rectify(_own_rows(args, 1), _own_rows(args, 2), _own_rows(args, 3), _channels(args, 4, 4))


@_entry
def cut_and_sum(args):  # type: ignore[no-untyped-def]
    """Arguments: gradient before the ReLU, is written to; grad; out; x; (4, width); sums as of `gradient_sums`."""
    of_sum, grad, out, x = _own_rows(args, 1), _own_rows(args, 2), _own_rows(args, 3), _own_rows(args, 4)
    channels, sums = _channels(args, 5, 4), _own_sums(args, 6)
    # Summed while it is in the cache.
    for row in range(0, len(x), 8):
        some = slice(row, row + 8)
        _cut(of_sum[some], grad[some], out[some])
        _add_gradients(of_sum[some], x[some], channels, sums)


@_entry
def gradient_sums(args):  # type: ignore[no-untyped-def]
    """Arguments: grad; x; (4, width); (threads, 2, width) float64 zeros, which become sums as of `_add_gradients`."""
    _add_gradients(_own_rows(args, 1), _own_rows(args, 2), _channels(args, 3, 4), _own_sums(args, 4))


@_entry
def gradient(args):  # type: ignore[no-untyped-def]
    """Arguments: gradient of x, is written to; grad; x; (4, width); (2, width) for centered x, and constant."""
    _differentiate(
        _own_rows(args, 1), _own_rows(args, 2), _own_rows(args, 3), _channels(args, 4, 4), _channels(args, 5, 2)
    )
