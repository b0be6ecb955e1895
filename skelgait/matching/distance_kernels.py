"""Compiled distances of embeddings by differences, on all cores of the CPU.

|a - b|^2 is summed from the differences of single numbers. |a|^2 + |b|^2 - 2ab would lose distances that are small
compared with the norms. Each distance is computed by the same operations in the same order, so it does not depend on
the other embeddings, on the size of blocks or on the number of threads.

The innermost loop is given to the compiler in LLVM's intermediate representation, so that its sums stay in registers.
The same loop in Python takes 1.5 times as long.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

Floats = NDArray[np.float32]

LANES = 16
"""Probes compared at a time with one gallery entry."""

_ROWS = 4  # Gallery entries compared at a time: 4 x 16 sums fill the registers.
_BLOCK = 64  # Gallery entries of a thread at a time; their numbers of one strip stay in the cache.
_CHUNK = 128  # Numbers summed up in one go; sums of sums are more precise.


def _generate_add_squares(
    _context: Any, gallery: Any, rows: Any, panels: Any, panel: Any, count: Any, sums: Any, first: Any
) -> tuple[Any, Any]:
    """Generate the function that adds the squared differences of 4 gallery entries and 16 probes to `sums`.

    Args:
        gallery: array (m,) of all gallery entries.
        rows: tuple of the 4 positions in it from which `count` numbers are compared.
        panels: array (n,) of all probes, 16 in turn.
        panel: position in it from which `count` times 16 numbers are compared.
        count: number of numbers to compare, at least 1.
        sums: array (l,) of sums.
        first: position in it of the 4 times 16 sums.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        scalar, index = ir.FloatType(), ir.IntType(64)
        vector = ir.VectorType(scalar, LANES)
        gallery_type, _, panels_type, _, _, sums_type, _ = signature.args
        gallery_data, panels_data, sums_data = (
            context.make_array(type_)(context, builder, arguments[i]).data
            for type_, i in ((gallery_type, 0), (panels_type, 2), (sums_type, 5))
        )
        row_starts = [
            builder.gep(gallery_data, [builder.extract_value(arguments[1], number)]) for number in range(_ROWS)
        ]
        panel_start = builder.gep(panels_data, [arguments[3]])
        fma = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{LANES}f32"
        )
        before, loop = builder.block, builder.append_basic_block("loop")
        after = builder.append_basic_block("after")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(index)
        totals = [builder.phi(vector) for _ in range(_ROWS)]
        column = _load_vector(builder, builder.gep(panel_start, [builder.mul(k, index(LANES))]), vector)
        results = []
        for row, total in zip(row_starts, totals, strict=True):
            difference = builder.fsub(_broadcast(builder, builder.load(builder.gep(row, [k])), vector), column)
            results.append(builder.call(fma, [difference, difference, total]))
        following = builder.add(k, index(1))
        k.add_incoming(index(0), before)
        k.add_incoming(following, loop)
        for total, result in zip(totals, results, strict=True):
            total.add_incoming(ir.Constant(vector, [0.0] * LANES), before)
            total.add_incoming(result, loop)
        builder.cbranch(builder.icmp_signed("<", following, arguments[4]), loop, after)
        builder.position_at_end(after)
        for number, result in enumerate(results):
            target = builder.gep(sums_data, [builder.add(arguments[6], index(number * LANES))])
            _store_vector(builder, builder.fadd(_load_vector(builder, target, vector), result), target)
        return context.get_dummy_value()

    return types.void(gallery, rows, panels, panel, count, sums, first), generate


_add_squares: Any = intrinsic(_generate_add_squares)


def _load_vector(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    """Generate the load of a vector that is aligned like its elements."""
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def _store_vector(builder: Any, value: Any, pointer: Any) -> None:
    """Generate the store of a vector that is aligned like its elements."""
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def _broadcast(builder: Any, value: Any, vector: ir.VectorType) -> Any:
    """Generate a vector of equal elements."""
    position = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    single = builder.insert_element(undefined, value, position(0))
    return builder.shuffle_vector(single, undefined, ir.Constant(ir.VectorType(position, LANES), [0] * LANES))


@njit(cache=True, error_model="numpy")
def _add(squares: Floats, squared: bool, totals: Floats) -> None:
    """Add squared distances (n,), or the distances, to totals (n,)."""
    if squared:
        for i in range(len(totals)):
            totals[i] += squares[i]
    else:
        for i in range(len(totals)):
            totals[i] += np.sqrt(squares[i])


@njit(cache=True, parallel=True, error_model="numpy")
def mean_distances(panels: Floats, gallery: Floats, squared: bool, out: Floats) -> None:
    """Write the mean over strips of the distances of probes to gallery entries.

    Args:
        panels: (n, S, D, 16) probes, see `as_panels`.
        gallery: (G, S, D) gallery entries.
        squared: True: squares of the Euclidean distances; False: the distances.
        out: (P, G) output, with P at most 16 n.
    """
    n_panels, n_strips, width, _ = panels.shape
    panel_numbers, gallery_numbers = panels.ravel(), gallery.ravel()
    last = len(gallery) - 1
    for block in prange((len(gallery) + _BLOCK - 1) // _BLOCK):
        begin = block * _BLOCK
        end = min(begin + _BLOCK, len(gallery))
        squares = np.empty(_BLOCK * LANES, np.float32)
        totals = np.zeros((n_panels, _BLOCK * LANES), np.float32)
        for strip in range(n_strips):
            for panel in range(n_panels):
                panel_start = (panel * n_strips + strip) * width
                squares[:] = 0
                for row in range(begin, end, _ROWS):
                    # Entries behind the last one are computed as the last one again, and not used.
                    start_0 = (row * n_strips + strip) * width
                    start_1 = (min(row + 1, last) * n_strips + strip) * width
                    start_2 = (min(row + 2, last) * n_strips + strip) * width
                    start_3 = (min(row + 3, last) * n_strips + strip) * width
                    first = (row - begin) * LANES
                    for k in range(0, width, _CHUNK):
                        starts = (start_0 + k, start_1 + k, start_2 + k, start_3 + k)
                        position, count = (panel_start + k) * LANES, min(_CHUNK, width - k)
                        _add_squares(gallery_numbers, starts, panel_numbers, position, count, squares, first)
                _add(squares, squared, totals[panel])
        for probe in range(len(out)):
            panel, lane = probe // LANES, probe % LANES
            for row in range(begin, end):
                out[probe, row] = totals[panel, (row - begin) * LANES + lane] / np.float32(n_strips)


def as_panels(probes: Floats) -> Floats:
    """Return probes (P, S, D) as (n, S, D, 16): panels of 16, the last one filled with zeros."""
    n_full, n_rest = divmod(len(probes), LANES)
    panels = np.zeros((n_full + (n_rest > 0), *probes.shape[1:], LANES), np.float32)
    full = probes[: n_full * LANES].reshape(n_full, LANES, *probes.shape[1:])
    panels[:n_full] = full.transpose(0, 2, 3, 1)
    if n_rest:
        panels[-1, :, :, :n_rest] = probes[-n_rest:].transpose(1, 2, 0)
    return panels
