"""State of the interpreter: position in the bytes of a pickle, stack and memo."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from skelgait.storage.pickles.refusal import TRUNCATED, RefusedPickle

if TYPE_CHECKING:
    from collections.abc import Sequence

# Limits that the size of the file raises: containers, and bytes of arrays and of re-encoded text.
_CONTAINERS, _CONTAINERS_PER_BYTE = 200_000, 0.25
_PRODUCED, _PRODUCED_PER_BYTE = 2**16, 4
# Sharing shorter text cannot make the content much larger than its file.
_SHORT_TEXT = 64
_SHARED = frozenset({list, tuple, dict, np.ndarray, memoryview, bytes, str})


class Unfinished:
    """Data type or array whose state is still to come.

    Attributes:
        finish: function from the stream and the state to the value.
        number: its number in the memo, if it is there.
    """

    __slots__ = ("finish", "number")

    def __init__(self, finish: Callable[[PickleStream, Any], object], number: int) -> None:
        self.finish = finish
        self.number = number


class PickleStream:
    """Pickle that is being read.

    Attributes:
        data: bytes of the pickle.
        view: the same bytes; its slices are no copies.
        size: number of bytes.
        position: number of bytes that are read.
        stack: values since the last mark.
        outer: stacks below the last mark and the marks before.
        memo: values that the pickle may refer to.
        has_shared: True if a container, an array or long text is referred to.
    """

    __slots__ = ("containers", "data", "has_shared", "memo", "outer", "position", "produced", "size", "stack", "view")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.view = memoryview(data)
        self.size = len(data)
        self.position = 0
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: list[Any] = []
        self.has_shared = False
        self.containers = int(_CONTAINERS + _CONTAINERS_PER_BYTE * self.size)
        self.produced = _PRODUCED + _PRODUCED_PER_BYTE * self.size

    def line(self) -> bytes:
        """Return the bytes before the next line break, and continue after it."""
        start, end = self.position, self.data.find(b"\n", self.position)
        if end < 0:
            raise RefusedPickle(TRUNCATED)
        self.position = end + 1
        return self.data[start:end]

    def pop_mark(self) -> list[Any]:
        """Return the values since the last mark, and drop the mark."""
        values = self.stack
        self.stack = self.outer.pop()
        return values

    def push_container(self, container: Sequence[Any] | dict[Any, Any] | set[Any] | frozenset[Any]) -> None:
        """Push a list, tuple, dictionary or set."""
        self.containers -= 1
        if self.containers < 0:
            raise _too_many_containers()
        self.stack.append(container)

    def push_mark(self) -> None:
        """Begin an empty stack for the values of a container."""
        self.containers -= 1
        if self.containers < 0:
            raise _too_many_containers()
        self.outer.append(self.stack)
        self.stack = []

    def produce(self, n_bytes: int) -> None:
        """Refuse more bytes of arrays and text than a file of this size can hold."""
        self.produced -= n_bytes
        if self.produced < 0:
            raise RefusedPickle("arrays or text made from the same bytes again and again")

    def remember(self, number: int) -> None:
        """Store the last value in the memo."""
        length = len(self.memo)
        if number == length:
            self.memo.append(self.stack[-1])
            return
        if not 0 <= number <= length + 1:
            raise RefusedPickle(f"the memo number {number} after {length} values")
        if number == length + 1:  # Python 2 begins with 1
            self.memo.append(None)
            self.memo.append(self.stack[-1])
        else:
            self.memo[number] = self.stack[-1]

    def recall(self, number: int) -> None:
        """Push a value of the memo; it is shared, not copied."""
        if not 0 <= number < len(self.memo):
            raise RefusedPickle(f"a reference to value {number} of {len(self.memo)}")
        value = self.memo[number]
        kind = type(value)
        if kind in _SHARED and (kind is not str or len(value) > _SHORT_TEXT):
            self.has_shared = True
        self.stack.append(value)

    def finish(self, state: object) -> None:
        """Give the last value its state."""
        unfinished = self.stack[-1]
        if type(unfinished) is not Unfinished:
            raise RefusedPickle(f"a state for a {type(unfinished).__name__}")
        value = unfinished.finish(self, state)
        self.stack[-1] = value
        number = unfinished.number
        if number < len(self.memo) and self.memo[number] is unfinished:
            self.memo[number] = value


def _too_many_containers() -> RefusedPickle:
    return RefusedPickle("more lists, tuples and dictionaries than a file of this size needs")
