"""Stand-ins for the names of numpy in checkpoints: data that is checked, instead of constructors that a file calls."""

from __future__ import annotations

from codecs import encode
from typing import Any

import numpy as np

from skelgait.storage.pickles.numpy_forms import build_array, finish_type
from skelgait.storage.pickles.refusal import RefusedPickle
from skelgait.storage.pickles.stream import PickleStream


class StoredType:
    """Data type as numpy pickles it."""

    def __init__(self, name: Any, _align: Any = False, _copy: Any = True) -> None:
        self.name = name
        self.kind: np.dtype[Any] | None = None

    def __setstate__(self, state: Any) -> None:
        if type(self.name) is not str:
            raise RefusedPickle("an array of fields")
        self.kind = finish_type(self.name, state)


class StoredArray:
    """Array as numpy pickles it; `value` is None until it has its state."""

    def __init__(self, _subtype: Any, _shape: Any, _code: Any) -> None:
        self.value: np.ndarray[Any, Any] | None = None

    def __setstate__(self, state: Any) -> None:
        if type(state) is not tuple or len(state) != 5:
            raise RefusedPickle("an array with an unknown state")
        self.value = _build(state[4], state[2], state[1], bool(state[3]))


class _Subtype:
    """Name of the class of an array; it cannot be called."""

    __init__ = None


class _StoredScalar:
    """Numpy scalar, from its data type and bytes."""

    def __new__(cls, kind: Any, data: Any) -> Any:
        return _build(data, kind, (1,), False)[0]


def _build(data: Any, kind: Any, shape: Any, is_fortran: bool) -> np.ndarray[Any, Any]:
    if not isinstance(kind, StoredType) or kind.kind is None or kind.kind.hasobject:
        raise RefusedPickle("an array of objects")
    stream = PickleStream(data if isinstance(data, bytes) else b"")
    return build_array(stream, data, kind.kind, shape, is_fortran)


def _named(kind: type[Any], path: str) -> type[Any]:
    """Return a class under another name: torch 2.4 allows a class by its own name only."""
    module, _, name = path.rpartition(".")
    return type(name, (kind,), {"__module__": module, "__qualname__": name})


# Numpy 1 and 2 have different names for its core.
NUMPY_NAMES: list[Any] = [
    _named(StoredType, "numpy.dtype"),
    _named(_Subtype, "numpy.ndarray"),
    *(_named(StoredArray, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")),
    *(_named(_StoredScalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    # Bytes of an array before pickle protocol 3; torch 2.4 does not allow it itself.
    encode,
]
