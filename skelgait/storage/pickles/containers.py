"""Operations of lists, tuples, dictionaries and sets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from skelgait.storage.pickles.numpy_forms import NUMBER_TYPES
from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, RefusedPickle
from skelgait.storage.pickles.stream import PickleStream

# Keys of dictionaries, which hash in constant time and without many collisions: all long doubles above the largest
# double have one hash.
_REAL_TYPES = {kind.type for kind in NUMBER_TYPES.values() if kind.kind != "c"} - {np.longdouble}
_KEY_TYPES = frozenset({str, bytes, int, float, bool, type(None), np.str_, np.bytes_, *_REAL_TYPES})


def push_tuple(length: int) -> Callable[[PickleStream], None]:
    """Return the operation that makes a tuple of the last values."""

    def push(stream: PickleStream) -> None:
        stack = stream.stack
        values = tuple(stack[-length:])
        if len(values) < length:
            raise IndexError
        del stack[-length:]
        stream.push_container(values)

    return push


def append(stream: PickleStream) -> None:
    """Add the last value to the list before it."""
    value = stream.stack.pop()
    _last(stream, list).append(value)


def append_all(stream: PickleStream) -> None:
    """Add the values since the last mark to the list before it."""
    values = stream.pop_mark()
    _last(stream, list).extend(values)


def set_item(stream: PickleStream) -> None:
    """Add the last key and value to the dictionary before them."""
    value, key = stream.stack.pop(), stream.stack.pop()
    _last(stream, dict).update(to_items([key, value]))


def set_items(stream: PickleStream) -> None:
    """Add the keys and values since the last mark to the dictionary before it."""
    values = stream.pop_mark()
    _last(stream, dict).update(to_items(values))


def add_items(stream: PickleStream) -> None:
    """Add the values since the last mark to the set before it."""
    values = stream.pop_mark()
    _last(stream, set).update(check_keys(values))


def _last(stream: PickleStream, kind: type) -> Any:
    """Return the last value, which must be of a kind."""
    value = stream.stack[-1]
    if type(value) is not kind:
        raise RefusedPickle(f"values added to a {type(value).__name__}")
    return value


def to_items(values: list[Any]) -> dict[Any, Any]:
    """Return the dictionary of keys and values, which alternate."""
    if len(values) % 2:
        raise RefusedPickle("a key without a value")
    return dict(zip(check_keys(values[::2]), values[1::2], strict=True))


def check_keys(keys: list[Any]) -> list[Any]:
    """Return keys after checking their types."""
    if not _KEY_TYPES.issuperset(map(type, keys)):
        kind = next(type(key).__name__ for key in keys if type(key) not in _KEY_TYPES)
        raise RefusedPickle(f"a {kind} as a key", SAVE_PLAIN_DATA)
    return keys
