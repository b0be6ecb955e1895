"""Compiled loops of batch norm, residual addition and ReLU in training, run by the threads of torch.

Frames in channels_last memory format are a table (rows, width). A row has the channels of one or more pixels, so the
inner loops are long even with few channels. Values per channel are repeated to `width`.

All threads of an OpenMP team run a kernel, and each handles its share of the rows. The team is that of torch: other
threads would compete with torch's threads, which stay busy for some milliseconds after their work.

The mean is subtracted first. Folding it into the bias would lose digits for channels with a large mean and a small
variance, as most are.

The ReLU is max(value, floor), with floor 0 or, without ReLU, minus infinity. NaN is passed on, because training checks
for it.

All kernels are in one file, because numba caches compiled code until its file changes.
"""

from __future__ import annotations

from ctypes import CDLL, addressof, c_int64, c_uint, c_void_p
from typing import Any

import numpy as np
from numba import carray, cfunc, njit, types  # type: ignore[attr-defined]
from torch import Tensor

# After torch is imported, the symbols of its OpenMP library are global in the process.
_run_team = CDLL(None).GOMP_parallel
_run_team.argtypes = (c_void_p, c_void_p, c_uint, c_uint)
_run_team.restype = None
_this_thread: Any = types.ExternalFunction("omp_get_thread_num", types.int32())
_n_threads: Any = types.ExternalFunction("omp_get_num_threads", types.int32())

_loop = njit(cache=True, nogil=True, error_model="numpy", fastmath={"nsz", "contract"})
# The argument is an array of addresses: of (rows, width), and of the tensors passed to `run`.
_entry = cfunc(types.void(types.CPointer(types.voidptr)), cache=True)  # type: ignore[no-untyped-call]
_F32, _F64, _I64 = np.float32, np.float64, np.int64
_array: Any = carray


def run(entry: Any, n_threads: int, rows: int, width: int, *tensors: Tensor) -> None:
    """Run a kernel with a team of threads.

    Args:
        entry: one of the kernels at the end of this file.
        n_threads: number of threads.
        rows: number of rows of the table.
        width: number of values in a row.
        tensors: arguments of the kernel, contiguous: frames in float32 and channels_last, and tables as documented.
    """
    sizes = (c_int64 * 2)(rows, width)
    addresses = (c_void_p * (1 + len(tensors)))(addressof(sizes), *(tensor.data_ptr() for tensor in tensors))
    _run_team(entry.address, addresses, n_threads, 0)


@_loop
def _add_moments(x, sums):  # type: ignore[no-untyped-def]
    """Sum values and squares in float64, so that the variance keeps the precision of float32."""
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
def _normalize_add_relu(out, x, residual, channels):  # type: ignore[no-untyped-def]
    scale, bias, mean = channels[0], channels[1], channels[2]
    for row in range(len(x)):
        values, added, to = x[row], residual[row], out[row]
        for k in range(len(scale)):
            value = (values[k] - mean[k]) * scale[k] + bias[k] + added[k]
            to[k] = _F32(0) if value <= _F32(0) else value


@_loop
def _relu_gradient(grad_sum, grad, out):  # type: ignore[no-untyped-def]
    """Write the gradient of the ReLU's input, given that of its output."""
    for row in range(len(grad)):
        upper, result, to = grad[row], out[row], grad_sum[row]
        for k in range(len(to)):
            value = upper[k]
            to[k] = _F32(0) if result[k] <= _F32(0) else value


@_loop
def _add_gradients(grad, x, channels, sums):  # type: ignore[no-untyped-def]
    """Sum the gradients of the normalized values, and their products with the centered values.

    Blocks of four rows are summed in float32, because float64 sums of all values would be slower than memory.
    """
    scale, bias, mean, floor = channels[0], channels[1], channels[2], channels[3]
    total, products = sums[0], sums[1]
    fours = len(x) // 4 * 4
    for row in range(0, fours, 4):
        x0, x1, x2, x3 = x[row], x[row + 1], x[row + 2], x[row + 3]
        g0, g1, g2, g3 = grad[row], grad[row + 1], grad[row + 2], grad[row + 3]
        for k in range(len(total)):
            a, b, low, middle = scale[k], bias[k], floor[k], mean[k]
            # Unconditional reads keep the loop free of branches.
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
def _input_gradient(grad_x, grad, x, channels, means):  # type: ignore[no-untyped-def]
    scale, bias, mean, floor = channels[0], channels[1], channels[2], channels[3]
    for_centered, constant = means[0], means[1]
    for row in range(len(x)):
        values, upper, to = x[row], grad[row], grad_x[row]
        for k in range(len(scale)):
            value, d = values[k] - mean[k], upper[k]
            d = _F32(0) if value * scale[k] + bias[k] <= floor[k] else d
            to[k] = scale[k] * d + (value * for_centered[k] + constant[k])


@_loop
def _thread_rows(args, i):  # type: ignore[no-untyped-def]
    """Return the rows of this thread."""
    rows, width = _array(args[0], 2, _I64)
    thread, n = _I64(_this_thread()), _I64(_n_threads())
    return _array(args[i], (rows, width), _F32)[rows * thread // n : rows * (thread + 1) // n]


@_loop
def _channels(args, i, n):  # type: ignore[no-untyped-def]
    """Return the table of n values per channel."""
    return _array(args[i], (n, _array(args[0], 2, _I64)[1]), _F32)


@_loop
def _thread_sums(args, i):  # type: ignore[no-untyped-def]
    """Return the two sums per channel of this thread."""
    return _array(args[i], (_I64(_n_threads()), 2, _array(args[0], 2, _I64)[1]), _F64)[_this_thread()]


@_entry
def moments(args):  # type: ignore[no-untyped-def]
    """Sum x and its squares. Arguments: x; (threads, 2, width) float64 zeros for the sums."""
    _add_moments(_thread_rows(args, 1), _thread_sums(args, 2))


@_entry
def normalize(args):  # type: ignore[no-untyped-def]
    """Normalize, with ReLU. Arguments: out (output); x; (4, width) scale, bias, mean, floor."""
    _normalize(_thread_rows(args, 1), _thread_rows(args, 2), _channels(args, 3, 4))


@_entry
def normalize_add_relu(args):  # type: ignore[no-untyped-def]
    """Normalize, add, and apply the ReLU. Arguments: out (output); x; residual; (4, width) as for `normalize`."""
    _normalize_add_relu(_thread_rows(args, 1), _thread_rows(args, 2), _thread_rows(args, 3), _channels(args, 4, 4))


@_entry
def relu_gradient_sums(args):  # type: ignore[no-untyped-def]
    """Compute the gradient of the ReLU, and sum it.

    Arguments: gradient of the sum (output); grad; out; x; (4, width) as for `normalize`; sums as for `gradient_sums`.
    """
    grad_sum, grad, out, x = _thread_rows(args, 1), _thread_rows(args, 2), _thread_rows(args, 3), _thread_rows(args, 4)
    channels, sums = _channels(args, 5, 4), _thread_sums(args, 6)
    # In blocks, so that the gradient is still in the cache when it is summed.
    for row in range(0, len(x), 8):
        block = slice(row, row + 8)
        _relu_gradient(grad_sum[block], grad[block], out[block])
        _add_gradients(grad_sum[block], x[block], channels, sums)


@_entry
def gradient_sums(args):  # type: ignore[no-untyped-def]
    """Sum as `_add_gradients`. Arguments: grad; x; (4, width); (threads, 2, width) float64 zeros for the sums."""
    _add_gradients(_thread_rows(args, 1), _thread_rows(args, 2), _channels(args, 3, 4), _thread_sums(args, 4))


@_entry
def gradient(args):  # type: ignore[no-untyped-def]
    """Compute the gradient of x. Arguments: it (output); grad; x; (4, width); (2, width) factor and constant."""
    _input_gradient(
        _thread_rows(args, 1),
        _thread_rows(args, 2),
        _thread_rows(args, 3),
        _channels(args, 4, 4),
        _channels(args, 5, 2),
    )
