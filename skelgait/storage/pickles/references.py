"""Check of shared values: they must not make the content much larger than its file."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, RefusedPickle

_ALLOWED, _ALLOWED_PER_BYTE = 2**20, 32
_VALUE_BYTES = 8
_CONTAINERS = frozenset({list, tuple, dict, OrderedDict, Counter, np.ndarray})


def check_references(content: object, file_size: int) -> None:
    """Refuse content that contains itself, or that is far larger than its file if every value is counted where it is.

    Every container is visited once, however often it is shared.
    """
    limit = _ALLOWED + _ALLOWED_PER_BYTE * file_size
    sizes: dict[int, int | None] = {}  # by identity; None: not finished
    pending: list[tuple[Any, bool]] = [(content, False)]
    while pending:
        item, is_finished = pending.pop()
        if is_finished:
            size = _VALUE_BYTES + sum(_size(value, sizes) for value in _values(item))
            if size > limit:
                raise RefusedPickle("values that refer to each other again and again", SAVE_PLAIN_DATA)
            sizes[id(item)] = size
        elif type(item) in _CONTAINERS:
            if id(item) not in sizes:
                sizes[id(item)] = None
                pending.append((item, True))
                pending.extend((value, False) for value in _values(item) if type(value) in _CONTAINERS)
            elif sizes[id(item)] is None:
                raise RefusedPickle(f"a {type(item).__name__} that contains itself", SAVE_PLAIN_DATA)


def _values(container: Any) -> Iterable[Any]:
    if isinstance(container, dict):
        return container.values()
    if type(container) is np.ndarray:
        return container.ravel().tolist() if container.dtype == object else ()
    return container  # type: ignore[no-any-return]


def _size(value: Any, sizes: dict[int, int | None]) -> int:
    """Return the size of a value, in bytes: the one that was computed for a container."""
    if type(value) in _CONTAINERS:
        n_bytes = value.nbytes if type(value) is np.ndarray else 0
        return n_bytes + (sizes[id(value)] or 0)
    return _VALUE_BYTES + (len(value) if isinstance(value, str | bytes | memoryview) else 0)
