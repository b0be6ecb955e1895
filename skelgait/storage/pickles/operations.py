"""Operations of pickles, protocols 0 to 5, by their code."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable

from skelgait.storage.pickles.containers import (
    add_items,
    append,
    append_all,
    check_keys,
    push_tuple,
    set_item,
    set_items,
    to_items,
)
from skelgait.storage.pickles.numpy_forms import FORMS, Form
from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, TRUNCATED, RefusedPickle, shortened
from skelgait.storage.pickles.stream import PickleStream
from skelgait.storage.pickles.values import (
    parse_float,
    parse_integer,
    parse_quoted,
    to_integer,
    to_python_2_text,
    to_text,
)

Operation = Callable[[PickleStream], None]

_LENGTHS = {1: "B", 4: "<I", 8: "<Q"}
_SHORT_BLOCK = 256
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
        return lambda stream: act(stream, parse_integer(stream.line()))
    unpack, size = struct.Struct(layout).unpack_from, struct.calcsize(layout)

    def act_with_number(stream: PickleStream) -> None:
        (number,) = unpack(stream.data, stream.position)
        stream.position += size
        act(stream, number)

    return act_with_number


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


def _name(stream: PickleStream) -> str:
    return f"{str(stream.line(), 'utf-8')}.{str(stream.line(), 'utf-8')}"


def _push_name(stream: PickleStream, name: str) -> None:
    form = FORMS.get(name)
    if form is None:
        raise RefusedPickle(f"the object {shortened(name)}", SAVE_PLAIN_DATA)
    stream.stack.append(form)


def _push_stack_name(stream: PickleStream) -> None:
    name, module = stream.stack.pop(), stream.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise RefusedPickle("an object without a name")
    _push_name(stream, f"{module}.{name}")


def _refuse_instance(stream: PickleStream) -> None:
    raise RefusedPickle(f"the object {shortened(_name(stream))}", SAVE_PLAIN_DATA)


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
    pickle.INT: _line(parse_integer),
    pickle.LONG: _line(parse_integer),
    pickle.LONG1: _block(1, to_integer),
    pickle.LONG4: _block(4, to_integer),
    pickle.FLOAT: _line(parse_float),
    pickle.BINFLOAT: _push_floats,
    pickle.STRING: _line(parse_quoted),
    pickle.BINSTRING: _block(4, to_python_2_text),
    pickle.SHORT_BINSTRING: _block(1, to_python_2_text),
    pickle.UNICODE: _line(lambda line: str(line, "raw-unicode-escape")),
    pickle.BINUNICODE: _block(4, to_text),
    pickle.SHORT_BINUNICODE: _block(1, to_text),
    pickle.BINUNICODE8: _block(8, to_text),
    pickle.BINBYTES: _bytes(4),
    pickle.SHORT_BINBYTES: _bytes(1),
    pickle.BINBYTES8: _bytes(8),
    pickle.BYTEARRAY8: _bytes(8),
    pickle.MARK: PickleStream.push_mark,
    pickle.EMPTY_TUPLE: _constant(()),
    pickle.TUPLE: lambda stream: stream.push_container(tuple(stream.pop_mark())),
    pickle.TUPLE1: push_tuple(1),
    pickle.TUPLE2: push_tuple(2),
    pickle.TUPLE3: push_tuple(3),
    pickle.EMPTY_LIST: lambda stream: stream.push_container([]),
    pickle.LIST: lambda stream: stream.push_container(stream.pop_mark()),
    pickle.APPEND: append,
    pickle.APPENDS: append_all,
    pickle.EMPTY_DICT: lambda stream: stream.push_container({}),
    pickle.DICT: lambda stream: stream.push_container(to_items(stream.pop_mark())),
    pickle.SETITEM: set_item,
    pickle.SETITEMS: set_items,
    pickle.EMPTY_SET: lambda stream: stream.push_container(set()),
    pickle.FROZENSET: lambda stream: stream.push_container(frozenset(check_keys(stream.pop_mark()))),
    pickle.ADDITEMS: add_items,
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
