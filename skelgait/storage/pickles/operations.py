"""Operations of pickles, protocols 0 to 5, by their code."""

from __future__ import annotations

import codecs
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from skelgait.storage.pickles.numpy_forms import FORMS, NUMBER_TYPES, Form
from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, TRUNCATED, RefusedPickle, printable
from skelgait.storage.pickles.stream import PickleStream

Operation = Callable[[PickleStream], None]

_LENGTHS = {1: "B", 4: "<I", 8: "<Q"}
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1
_MAX_DIGITS = 40
_SHORT_BLOCK = 256
# Keys of dictionaries, which hash in constant time and without many collisions.
_REAL_TYPES = {kind.type for kind in NUMBER_TYPES.values() if kind.kind != "c"}
_KEY_TYPES = frozenset({str, bytes, int, float, bool, type(None), np.str_, np.bytes_, *_REAL_TYPES})
_ONE, _RUN = struct.Struct(">xd"), struct.Struct(">" + 17 * "xd")
_RUN_CODES = 17 * pickle.BINFLOAT
_REFUSED = (
    "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID", "NEXT_BUFFER", "READONLY_BUFFER",
    "DUP", "POP", "POP_MARK",
)  # fmt: skip


def _constant(value: object) -> Operation:
    def push(stream: PickleStream) -> None:
        stream.stack.append(value)

    return push


def _number(layout: str) -> Operation:
    """Return the operation that pushes a number of fixed size."""
    unpack, size = struct.Struct(layout).unpack_from, struct.calcsize(layout)

    def push(stream: PickleStream) -> None:
        stream.stack.append(unpack(stream.data, stream.position)[0])
        stream.position += size

    return push


def _block(length_size: int, convert: Callable[[bytes], object]) -> Operation:
    """Return the operation that pushes a block of bytes after its length."""
    unpack = struct.Struct(_LENGTHS[length_size]).unpack_from

    def push(stream: PickleStream) -> None:
        start = stream.position + length_size
        stop = start + unpack(stream.data, stream.position)[0]
        if stop > stream.size:
            raise RefusedPickle(TRUNCATED)
        stream.position = stop
        stream.stack.append(convert(stream.data[start:stop]))

    return push


def _bytes(length_size: int) -> Operation:
    """Return the operation that pushes bytes after their length; long ones stay where they are in the file."""
    unpack = struct.Struct(_LENGTHS[length_size]).unpack_from

    def push(stream: PickleStream) -> None:
        start = stream.position + length_size
        stop = start + unpack(stream.data, stream.position)[0]
        if stop > stream.size:
            raise RefusedPickle(TRUNCATED)
        stream.position = stop
        data = stream.data if stop - start < _SHORT_BLOCK else stream.view
        stream.stack.append(data[start:stop])

    return push


def _line(convert: Callable[[bytes], object]) -> Operation:
    """Return the operation that pushes a line of text, protocol 0."""

    def push(stream: PickleStream) -> None:
        stream.stack.append(convert(stream.line()))

    return push


def _with_number(act: Callable[[PickleStream, int], None], layout: str | None) -> Operation:
    """Return the operation that acts with a memo number, which is stored in a layout, or as a line of text."""
    if layout is None:
        return lambda stream: act(stream, _parse_integer(stream.line()))
    unpack, size = struct.Struct(layout).unpack_from, struct.calcsize(layout)

    def act_with_number(stream: PickleStream) -> None:
        (number,) = unpack(stream.data, stream.position)
        stream.position += size
        act(stream, number)

    return act_with_number


def _to_text(block: bytes) -> str:
    return str(block, "utf-8", "surrogatepass")


def _to_python_2_text(block: bytes) -> str:
    return str(block, "latin1")


def _to_integer(block: bytes) -> int:
    if len(block) > 9:
        raise RefusedPickle(f"an integer of {len(block)} bytes", SAVE_PLAIN_DATA)
    return _check_integer(int.from_bytes(block, "little", signed=True))


def _check_integer(number: int) -> int:
    # numpy has no larger ones.
    if not _MIN_INTEGER <= number <= _MAX_INTEGER:
        raise RefusedPickle("an integer of more than 64 bits", SAVE_PLAIN_DATA)
    return number


def _parse_integer(line: bytes) -> int | bool:
    if line in (b"00", b"01"):
        return line == b"01"
    if len(line) > _MAX_DIGITS:
        raise RefusedPickle(f"an integer of {len(line)} digits", SAVE_PLAIN_DATA)
    return _check_integer(int(line.rstrip(b"L")))


def _parse_float(line: bytes) -> float:
    return float(line[:_MAX_DIGITS])


def _parse_quoted(line: bytes) -> str:
    """Return text that Python 2 wrote in quotes, with one character a byte."""
    line = line.strip()
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        raise RefusedPickle("text without quotes")
    return str(codecs.escape_decode(line[1:-1])[0], "latin1")


def _push_floats(stream: PickleStream) -> None:
    """Push a number, and the numbers after it if there are many."""
    start, data, size = stream.position - 1, stream.data, stream.size
    while start + _RUN.size <= size and data[start : start + _RUN.size : _ONE.size] == _RUN_CODES:
        stream.stack += _RUN.unpack_from(data, start)
        start += _RUN.size
    if start < stream.position:
        stream.stack += _ONE.unpack_from(data, start)
        start += _ONE.size
    stream.position = start


def _check_protocol(stream: PickleStream) -> None:
    protocol = stream.data[stream.position]
    stream.position += 1
    if protocol > 5:
        raise RefusedPickle(f"pickle protocol {protocol}")


def _skip_frame(stream: PickleStream) -> None:
    (length,) = struct.unpack_from("<Q", stream.data, stream.position)
    stream.position += 8
    if length > stream.size - stream.position:
        raise RefusedPickle(TRUNCATED)


def _memoize(stream: PickleStream) -> None:
    stream.memo.append(stream.stack[-1])


def _tuple(length: int) -> Operation:
    def push(stream: PickleStream) -> None:
        stack = stream.stack
        values = tuple(stack[-length:])
        if len(values) < length:
            raise IndexError
        del stack[-length:]
        stream.push_container(values)

    return push


def _append(stream: PickleStream) -> None:
    value = stream.stack.pop()
    _last(stream, list).append(value)


def _append_all(stream: PickleStream) -> None:
    values = stream.pop_mark()
    _last(stream, list).extend(values)


def _set_item(stream: PickleStream) -> None:
    value, key = stream.stack.pop(), stream.stack.pop()
    _last(stream, dict).update(_items([key, value]))


def _set_items(stream: PickleStream) -> None:
    values = stream.pop_mark()
    _last(stream, dict).update(_items(values))


def _add_items(stream: PickleStream) -> None:
    values = stream.pop_mark()
    _last(stream, set).update(_check_keys(values))


def _last(stream: PickleStream, kind: type) -> Any:
    """Return the last value, which must be of a kind."""
    value = stream.stack[-1]
    if type(value) is not kind:
        raise RefusedPickle(f"values added to a {type(value).__name__}")
    return value


def _items(values: list[Any]) -> dict[Any, Any]:
    """Return the dictionary of keys and values, which alternate."""
    if len(values) % 2:
        raise RefusedPickle("a key without a value")
    return dict(zip(_check_keys(values[::2]), values[1::2], strict=True))


def _check_keys(keys: list[Any]) -> list[Any]:
    if not _KEY_TYPES.issuperset(map(type, keys)):
        kind = next(type(key).__name__ for key in keys if type(key) not in _KEY_TYPES)
        raise RefusedPickle(f"a {kind} as a key", SAVE_PLAIN_DATA)
    return keys


def _name(stream: PickleStream) -> str:
    return f"{str(stream.line(), 'utf-8')}.{str(stream.line(), 'utf-8')}"


def _push_name(stream: PickleStream, name: str) -> None:
    form = FORMS.get(name)
    if form is None:
        raise RefusedPickle(f"the object {printable(name)}", SAVE_PLAIN_DATA)
    stream.stack.append(form)


def _push_stack_name(stream: PickleStream) -> None:
    name, module = stream.stack.pop(), stream.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise RefusedPickle("an object without a name")
    _push_name(stream, f"{module}.{name}")


def _refuse_instance(stream: PickleStream) -> None:
    raise RefusedPickle(f"the object {printable(_name(stream))}", SAVE_PLAIN_DATA)


def _call(stream: PickleStream) -> None:
    """Replace a known form and its arguments by the value that they stand for."""
    arguments, form = stream.stack.pop(), stream.stack.pop()
    if type(form) is not Form or form.call is None or type(arguments) is not tuple:
        name = form.name if type(form) is Form else f"a {type(form).__name__}"
        raise RefusedPickle(f"a call of {name}", SAVE_PLAIN_DATA)
    stream.stack.append(form.call(stream, arguments))


def _refuse(found: str) -> Operation:
    def refuse(_stream: PickleStream) -> None:
        raise RefusedPickle(found, SAVE_PLAIN_DATA)

    return refuse


_BY_CODE: dict[bytes, Operation] = {
    pickle.PROTO: _check_protocol,
    pickle.FRAME: _skip_frame,
    pickle.NONE: _constant(None),
    pickle.NEWTRUE: _constant(True),
    pickle.NEWFALSE: _constant(False),
    pickle.BININT: _number("<i"),
    pickle.BININT1: _number("B"),
    pickle.BININT2: _number("<H"),
    pickle.INT: _line(_parse_integer),
    pickle.LONG: _line(_parse_integer),
    pickle.LONG1: _block(1, _to_integer),
    pickle.LONG4: _block(4, _to_integer),
    pickle.FLOAT: _line(_parse_float),
    pickle.BINFLOAT: _push_floats,
    pickle.STRING: _line(_parse_quoted),
    pickle.BINSTRING: _block(4, _to_python_2_text),
    pickle.SHORT_BINSTRING: _block(1, _to_python_2_text),
    pickle.UNICODE: _line(lambda line: str(line, "raw-unicode-escape")),
    pickle.BINUNICODE: _block(4, _to_text),
    pickle.SHORT_BINUNICODE: _block(1, _to_text),
    pickle.BINUNICODE8: _block(8, _to_text),
    pickle.BINBYTES: _bytes(4),
    pickle.SHORT_BINBYTES: _bytes(1),
    pickle.BINBYTES8: _bytes(8),
    pickle.BYTEARRAY8: _bytes(8),
    pickle.MARK: PickleStream.push_mark,
    pickle.EMPTY_TUPLE: _constant(()),
    pickle.TUPLE: lambda stream: stream.push_container(tuple(stream.pop_mark())),
    pickle.TUPLE1: _tuple(1),
    pickle.TUPLE2: _tuple(2),
    pickle.TUPLE3: _tuple(3),
    pickle.EMPTY_LIST: lambda stream: stream.push_container([]),
    pickle.LIST: lambda stream: stream.push_container(stream.pop_mark()),
    pickle.APPEND: _append,
    pickle.APPENDS: _append_all,
    pickle.EMPTY_DICT: lambda stream: stream.push_container({}),
    pickle.DICT: lambda stream: stream.push_container(_items(stream.pop_mark())),
    pickle.SETITEM: _set_item,
    pickle.SETITEMS: _set_items,
    pickle.EMPTY_SET: lambda stream: stream.push_container(set()),
    pickle.FROZENSET: lambda stream: stream.push_container(frozenset(_check_keys(stream.pop_mark()))),
    pickle.ADDITEMS: _add_items,
    pickle.PUT: _with_number(PickleStream.remember, None),
    pickle.BINPUT: _with_number(PickleStream.remember, "B"),
    pickle.LONG_BINPUT: _with_number(PickleStream.remember, "<I"),
    pickle.MEMOIZE: _memoize,
    pickle.GET: _with_number(PickleStream.recall, None),
    pickle.BINGET: _with_number(PickleStream.recall, "B"),
    pickle.LONG_BINGET: _with_number(PickleStream.recall, "<I"),
    pickle.GLOBAL: lambda stream: _push_name(stream, _name(stream)),
    pickle.STACK_GLOBAL: _push_stack_name,
    pickle.INST: _refuse_instance,
    pickle.REDUCE: _call,
    pickle.BUILD: lambda stream: stream.finish(stream.stack.pop()),
    **{getattr(pickle, name): _refuse(f"the pickle operation {name}") for name in _REFUSED},
}
OPERATIONS = [
    _BY_CODE.get(bytes([code])) or _refuse(f"byte {code} instead of a pickle operation") for code in range(256)
]
