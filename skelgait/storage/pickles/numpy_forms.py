"""Forms in which numpy 1 and 2 pickle arrays, scalars and data types, and Python pickles bytes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, RefusedPickle
from skelgait.storage.pickles.stream import PickleStream, Unfinished

_BYTE_ORDERS: tuple[Literal["<", ">", "|", "="], ...] = ("<", ">", "|", "=")
NUMBER_TYPES: dict[tuple[str, str], np.dtype[Any]] = {
    (np.dtype(code).str[1:], order): np.dtype(code).newbyteorder(order)
    for code in "?bhilqBHILQefdgFDG"
    for order in _BYTE_ORDERS
}
_OBJECTS = np.dtype(object)
_OBJECT_NAMES = {"O", "O4", "O8"}
_TEXT = re.compile(r"[US]([1-9]\d{0,6})")
_MAX_AXES = 32
# An array without values may have long axes, over which a program may loop.
_MAX_EMPTY = 1_000_000
_EMPTY_ARRAYS = [((0,), b"b"), ((0,), "b")]


class Form(NamedTuple):
    """Name that a pickle may contain.

    Attributes:
        name: its full name.
        call: function from the stream and the arguments of a call to the value; None: calls are refused.
    """

    name: str
    call: Callable[[PickleStream, tuple[Any, ...]], object] | None


def build_array(stream: PickleStream, data: Any, kind: Any, shape: Any, is_fortran: bool) -> NDArray[Any]:
    """Return the array of given bytes, data type and shape, after checking that they fit.

    Args:
        stream: stream that the bytes are from.
        data: bytes; as text with one character a byte, if Python 2 wrote them; a list for an array of objects.
        kind: data type.
        shape: length of each axis.
        is_fortran: True if the first axis varies fastest.
    """
    if not isinstance(kind, np.dtype):
        raise RefusedPickle(f"an array of type {type(kind).__name__}")
    size = count_values(shape)
    if kind == _OBJECTS:
        stream.produce(size * _OBJECTS.itemsize)
        return _build_objects(data, size).reshape(shape, order="F" if is_fortran else "C")
    if type(data) is str:
        data = data.encode("latin1")
    if type(data) not in (bytes, memoryview) or len(data) != size * kind.itemsize:
        found = f"{len(data)} bytes" if type(data) in (bytes, memoryview) else f"a {type(data).__name__}"
        raise RefusedPickle(f"{found} for an array {shape} of {kind}")
    stream.produce(len(data))
    array = np.frombuffer(data, kind).copy() if size else np.zeros(0, kind)
    return array.reshape(shape, order="F" if is_fortran else "C")


def count_values(shape: Any) -> int:
    """Return the number of values of an array, after checking its shape."""
    is_shape = type(shape) is tuple and len(shape) <= _MAX_AXES and all(type(n) is int and n >= 0 for n in shape)
    if not is_shape:
        raise RefusedPickle("an array without a valid shape")
    size: int = math.prod(shape)
    if not size and math.prod(filter(None, shape)) > _MAX_EMPTY:
        raise RefusedPickle(f"an array {shape}, which has no values")
    return size


def _build_objects(values: Any, size: int) -> NDArray[Any]:
    if type(values) is not list or len(values) != size:
        found = f"{len(values)} values" if type(values) is list else f"a {type(values).__name__}"
        raise RefusedPickle(f"{found} for an array of {size} objects", SAVE_PLAIN_DATA)
    # numpy would release arrays in arrays in arrays recursively.
    if any(_has_nested_arrays(value) for value in values):
        raise RefusedPickle("arrays of objects in arrays of objects", SAVE_PLAIN_DATA)
    array = np.empty(size, object)
    for index, value in enumerate(values):
        array[index] = value
    return array


def _has_nested_arrays(value: Any) -> bool:
    """Return True for an array of objects that are arrays of objects."""
    return _is_object_array(value) and any(map(_is_object_array, value.flat))


def _is_object_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == _OBJECTS


def _finish_array(stream: PickleStream, state: Any) -> NDArray[Any]:
    """Return the array of a state: version, shape, data type, is in Fortran order, bytes."""
    if type(state) is not tuple or len(state) != 5 or type(state[0]) is not int:
        raise RefusedPickle("an array with an unknown state")
    return build_array(stream, state[4], state[2], state[1], bool(state[3]))


def finish_type(name: str, state: Any) -> np.dtype[Any]:
    """Return the data type of a name and a state: version, byte order, no subtype, no fields, ..."""
    is_plain = type(state) is tuple and len(state) in (8, 9) and state[2:5] == (None, None, None)
    if not is_plain or type(state[1]) is not str or state[1] not in _BYTE_ORDERS:
        raise RefusedPickle("an array of fields", SAVE_PLAIN_DATA)
    return data_type(name, state[1])


def data_type(name: str, order: Any) -> np.dtype[Any]:
    """Return the data type of a name such as `f4` and a byte order; numbers, text and objects are known."""
    number = NUMBER_TYPES.get((name, order))
    if number is not None:
        return number
    if name in _OBJECT_NAMES:
        return _OBJECTS
    if match := _TEXT.fullmatch(name):
        text = np.str_ if name[0] == "U" else np.bytes_
        return np.dtype((text, int(match[1]))).newbyteorder(order)
    raise RefusedPickle(f"an array of type {name[:20]!r}", SAVE_PLAIN_DATA)


def _call_reconstruct(stream: PickleStream, arguments: tuple[Any, ...]) -> Unfinished:
    if len(arguments) != 3 or arguments[0] is not _NDARRAY or arguments[1:] not in _EMPTY_ARRAYS:
        name = arguments[0].name if arguments and type(arguments[0]) is Form else "an unknown type"
        raise RefusedPickle(f"an array of {name}", SAVE_PLAIN_DATA)
    return Unfinished(_finish_array, len(stream.memo))


def _call_dtype(stream: PickleStream, arguments: tuple[Any, ...]) -> Unfinished:
    if len(arguments) != 3 or type(arguments[0]) is not str:
        raise RefusedPickle("an array of fields", SAVE_PLAIN_DATA)
    return Unfinished(lambda _stream, state: finish_type(arguments[0], state), len(stream.memo))


def _call_frombuffer(stream: PickleStream, arguments: tuple[Any, ...]) -> NDArray[Any]:
    """Return the array of the arguments bytes, data type, shape, order, and order of the axes if they are permuted."""
    if len(arguments) not in (4, 5) or arguments[3] not in ("C", "F", "K"):
        raise RefusedPickle("an array with unknown arguments")
    data, kind, shape, order, *axes = arguments
    if type(data) is not memoryview and type(data) is not bytes:
        raise RefusedPickle(f"an array made from a {type(data).__name__}")
    array = build_array(stream, data, kind, shape, order == "F")
    if order != "K" or axes in ([], [None]):
        return array
    if type(axes[0]) is not tuple or [axes[0].count(axis) for axis in range(array.ndim)] != [1] * len(axes[0]):
        raise RefusedPickle("an array with an unknown order of its axes")
    return array.transpose(axes[0])


def _call_scalar(stream: PickleStream, arguments: tuple[Any, ...]) -> object:
    if len(arguments) != 2 or not isinstance(arguments[0], np.dtype) or arguments[0] == _OBJECTS:
        raise RefusedPickle("a number of an unknown type", SAVE_PLAIN_DATA)
    return build_array(stream, arguments[1], arguments[0], (1,), False)[0]


def _call_encode(stream: PickleStream, arguments: tuple[Any, ...]) -> bytes:
    """Return the bytes that protocols 0 to 2 store as text with one character a byte."""
    if len(arguments) != 2 or type(arguments[0]) is not str or arguments[1] not in ("latin1", "latin-1"):
        raise RefusedPickle("a call of _codecs.encode with unknown arguments")
    stream.produce(len(arguments[0]))
    return arguments[0].encode("latin1")


def _call_bytes(_stream: PickleStream, arguments: tuple[Any, ...]) -> bytes:
    """Return the bytes of an empty array, which protocols 0 to 2 store as a call without arguments."""
    if arguments:
        raise RefusedPickle("a call of bytes with arguments")
    return b""


_NDARRAY = Form("numpy.ndarray", None)
_CALLS: dict[str, Callable[[PickleStream, tuple[Any, ...]], object]] = {
    "numpy.dtype": _call_dtype,
    "_codecs.encode": _call_encode,
    "__builtin__.bytes": _call_bytes,
    "builtins.bytes": _call_bytes,
    **{f"numpy.{core}.multiarray._reconstruct": _call_reconstruct for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": _call_scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": _call_frombuffer for core in ("core", "_core")},
}
FORMS = {_NDARRAY.name: _NDARRAY, **{name: Form(name, call) for name, call in _CALLS.items()}}
