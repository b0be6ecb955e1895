"""Check of the pickles in a checkpoint: each operation is followed, without values, before torch carries it out."""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

from skelgait.storage.pickles.refusal import RefusedPickle, shortened

# Limits that the size of the pickle raises.
_CONTAINERS, _CONTAINERS_PER_BYTE = 200_000, 0.25
_COPIED, _COPIED_PER_BYTE = 2**16, 4
_MAX_NESTING = 100

_STORAGES = frozenset(
    f"torch {kind}Storage"
    for kind in (
        *("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"),
        *("ComplexFloat", "ComplexDouble"),
    )
)
_TYPES = frozenset(
    f"torch {kind}"
    for kind in (
        *("float16", "float32", "float64", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "bool"),
        *("complex64", "complex128"),
    )
)
_TENSORS = frozenset(f"torch._utils _rebuild_{kind}" for kind in ("tensor", "tensor_v2", "parameter"))
_ARRAYS = frozenset(
    f"numpy.{core}.multiarray {name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")
)
_ORDERED, _COUNTER, _ENCODE = "collections OrderedDict", "collections Counter", "_codecs encode"
_OTHER_CALLS = {"torch Size", "torch device", "numpy dtype"}
_CALLED = _TENSORS | _ARRAYS | _OTHER_CALLS | {_ORDERED, _COUNTER, _ENCODE}
_ALLOWED = _CALLED | _STORAGES | _TYPES | {"numpy ndarray"}


class _Value(NamedTuple):
    """Facts about a value that the check of a pickle knows.

    Attributes:
        kind: number, text, bytes, tuple, container (a list or dictionary), name, result (of a call), or other.
        content: text, number, name, or values of a tuple.
        size: number of values, and of characters of text, each counted wherever it is shared.
        depth: nesting of tuples.
        is_shared: True if it is from the memo.
    """

    kind: str
    content: object = None
    size: int = 1
    depth: int = 0
    is_shared: bool = False


_Step = Callable[["_Machine", Any], None]
_OTHER, _CONTAINER, _RESULT = _Value("other"), _Value("container"), _Value("result")


def check_pickle(stream: BinaryIO, size: int, file_size: int) -> None:
    """Check a pickle of torch, and leave the stream after its end. Nothing is built or called.

    Args:
        stream: stream at the start of the pickle.
        size: largest size of the pickle, in bytes.
        file_size: size of the file, which also holds the data of the tensors, in bytes.

    Raises:
        RefusedPickle: if it calls anything that plain tensors, numbers, text and their containers do not need, or
            grows far beyond its size.
        EOFError: if its end or the data of a tensor is missing.
    """
    machine = _Machine(size, file_size)
    try:
        for operation, argument, _ in pickletools.genops(stream):
            step = _STEPS.get(operation.name)
            if step is None:
                raise RefusedPickle(f"the pickle operation {operation.name}, which torch.save does not write")
            step(machine, argument)
    except RefusedPickle:
        raise
    except IndexError as error:
        raise RefusedPickle("a pickle operation without its values") from error
    except ValueError as error:
        if not stream.read(1):
            raise EOFError("pickle data was truncated") from error
        raise RefusedPickle("it is damaged, or not written by torch.save") from error


class _Machine:
    """Stack and memo of the pickle, and what it may still use."""

    def __init__(self, size: int, file_size: int) -> None:
        self.stack: list[_Value] = []
        self.outer: list[list[_Value]] = []
        self.memo: dict[int, _Value] = {}
        self.file_size = file_size
        self.containers = int(_CONTAINERS + _CONTAINERS_PER_BYTE * size)
        self.copied = self.largest_tuple = _COPIED + _COPIED_PER_BYTE * size
        self.storages: dict[object, int] = {}

    def push(self, value: _Value) -> None:
        if value.kind in ("container", "tuple"):
            self.count_container()
        self.stack.append(value)

    def count_container(self) -> None:
        self.containers -= 1
        if self.containers < 0:
            raise RefusedPickle("more lists, tuples and dictionaries than a file of this size needs")

    def push_tuple(self, values: list[_Value]) -> None:
        size, depth = 1 + sum(value.size for value in values), 1 + max((value.depth for value in values), default=0)
        if size > self.largest_tuple or depth > _MAX_NESTING:
            raise RefusedPickle("tuples in tuples again and again")
        self.push(_Value("tuple", tuple(values), size, depth))

    def pop(self, count: int) -> list[_Value]:
        if len(self.stack) < count:
            raise IndexError
        values = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return values

    def pop_mark(self) -> list[_Value]:
        values, self.stack = self.stack, self.outer.pop()
        return values

    def mark(self) -> None:
        if len(self.outer) >= _MAX_NESTING:
            raise RefusedPickle(f"more than {_MAX_NESTING} containers in each other")
        self.count_container()
        self.outer.append(self.stack)
        self.stack = []

    def copy(self, size: int) -> None:
        """Count values and characters that a call copies; they may be copied from the memo again and again."""
        self.copied -= size
        if self.copied < 0:
            raise RefusedPickle("values made from the same values again and again")

    def extend(self, items: list[_Value], *, is_dict: bool) -> None:
        if self.stack[-1].kind != "container":
            raise RefusedPickle("values for an object that is no list and no dictionary")
        for key in items[::2] if is_dict else ():
            if key.kind == "tuple":  # hashed with everything in it
                self.copy(key.size)


def _text(machine: _Machine, text: str) -> None:
    machine.push(_Value("text", text, 1 + len(text)))


def _number(machine: _Machine, number: int) -> None:
    machine.push(_Value("number", number))


def _name(machine: _Machine, name: str) -> None:
    if name not in _ALLOWED:
        shown = shortened(name.replace(" ", "."))
        if name.startswith("torch"):
            raise RefusedPickle(f"it contains an object that is no plain tensor: {shown}; save plain tensors")
        raise RefusedPickle(f"it contains code: {shown}; save its state dict alone")
    machine.push(_Value("name", name))


def _call(machine: _Machine, _: object) -> None:
    function, arguments = machine.pop(2)
    if function.kind != "name" or function.content not in _CALLED or arguments.kind != "tuple":
        raise RefusedPickle("a call of something else than a known function")
    values: tuple[_Value, ...] = arguments.content  # type: ignore[assignment]
    machine.copy(arguments.size)
    if function.content == _ORDERED:
        if values:
            raise RefusedPickle("a call of collections.OrderedDict with arguments")
        machine.push(_CONTAINER)
    elif function.content == _COUNTER:  # milestones of torch's MultiStepLR
        is_plain = [(value.kind, value.is_shared) for value in values] == [("container", False)]
        if not is_plain or arguments.is_shared:
            raise RefusedPickle("a call of collections.Counter with unknown arguments")
        machine.push(_CONTAINER)
    elif function.content == _ENCODE:
        machine.push(_encode(values))
    else:
        machine.push(_RESULT)


def _encode(values: tuple[_Value, ...]) -> _Value:
    """Return the bytes that protocol 2 stores as text with one character a byte."""
    if [value.kind for value in values] != ["text", "text"] or values[1].content not in ("latin1", "latin-1"):
        raise RefusedPickle("a call of _codecs.encode with unknown arguments")
    return _Value("bytes", None, values[0].size)


def _build(machine: _Machine, _: object) -> None:
    (state,) = machine.pop(1)
    if machine.stack[-1].kind not in ("result", "container"):
        raise RefusedPickle("a state for a value without one")
    if state.kind == "container" and state.is_shared:
        raise RefusedPickle("one state for several values")
    machine.copy(state.size)


def _storage(machine: _Machine, _: object) -> None:
    """Check the identity of a storage: its type, key, device and number of values."""
    (identity,) = machine.pop(1)
    values: tuple[_Value, ...] = identity.content if identity.kind == "tuple" else ()  # type: ignore[assignment]
    kinds = ["text", "name", "text", "text", "number"]
    if [value.kind for value in values[:5]] != kinds or values[1].content not in _STORAGES:
        raise RefusedPickle("an unknown reference to data")
    key, count = values[2].content, values[4].content
    if not (isinstance(key, str) and key.isascii() and key.isdigit() and isinstance(count, int) and count >= 0):
        raise RefusedPickle("an unknown reference to data")
    machine.storages[key] = max(count, machine.storages.get(key, 0))
    if count > machine.file_size or sum(machine.storages.values()) > machine.file_size:
        raise EOFError(f"a tensor of {count} values, more than the file holds")
    machine.push(_RESULT)


def _remember(machine: _Machine, number: int) -> None:
    machine.memo[number] = machine.stack[-1]._replace(is_shared=True)


def _recall(machine: _Machine, number: int) -> None:
    if number not in machine.memo:
        raise RefusedPickle(f"a reference to value {number}, which is missing")
    machine.stack.append(machine.memo[number])


def _push(value: _Value) -> _Step:
    return lambda machine, _: machine.push(value)


def _collect(count: int) -> _Step:
    return lambda machine, _: machine.push_tuple(machine.pop(count))


def _extend(count: int | None, *, is_dict: bool) -> _Step:
    def extend(machine: _Machine, _: object) -> None:
        items = machine.pop_mark() if count is None else machine.pop(count)
        machine.extend(items, is_dict=is_dict)

    return extend


# Operations that torch's own reader knows.
_STEPS: dict[str, _Step] = {
    "PROTO": lambda _machine, _: None,
    "STOP": lambda _machine, _: None,
    "MARK": lambda machine, _: machine.mark(),
    **dict.fromkeys(("NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"), _push(_OTHER)),
    **dict.fromkeys(("EMPTY_LIST", "EMPTY_DICT"), _push(_CONTAINER)),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1"), _number),
    **dict.fromkeys(("BINUNICODE", "SHORT_BINSTRING"), _text),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _remember),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _recall),
    **{f"TUPLE{count}": _collect(count) for count in (1, 2, 3)},
    "TUPLE": lambda machine, _: machine.push_tuple(machine.pop_mark()),
    "EMPTY_TUPLE": _collect(0),
    "APPEND": _extend(1, is_dict=False),
    "APPENDS": _extend(None, is_dict=False),
    "SETITEM": _extend(2, is_dict=True),
    "SETITEMS": _extend(None, is_dict=True),
    "GLOBAL": _name,
    "REDUCE": _call,
    "BUILD": _build,
    "BINPERSID": _storage,
}
