r"""Quick recognition of a pickle of one array of numbers, as numpy 1 and 2 write it with protocols 3 to 5.

The checks are those of the interpreter, which reads all other pickles.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np

from skelgait.storage.pickles.numpy_forms import NUMBER_TYPES, count_values

# Bytes before and after the values of an array, at most.
MAX_HEAD, MAX_TAIL = 512, 256
_INTEGER = rb"(?:K.|M..|J.{4})"
_INTEGERS = re.compile(rb"(?s)K(.)|M(..)|J(.{4})")
_PARTS = {
    b"frame": rb"(?:\x95(?P<frame>.{8}))?",
    b"length": rb"(?:B(?P<length4>.{4})|[\x8e\x96](?P<length8>.{8})|C(?P<length1>.))",
    b"shape": rb"(?P<shape>\)|I\x85|I{2}\x86|I{3}\x87|\(I{1,16}t)".replace(b"I", _INTEGER),
}
# Protocols 4 and 5: names are text, and every value is put in the memo, so that h3 is the text "numpy".
_NEW = {
    **_PARTS,
    b"memo": rb"\x94",
    b"reconstruct": rb"\x8c(?:\x15numpy\.core|\x16numpy\._core)\.multiarray\x94\x8c\x0c_reconstruct\x94\x93\x94",
    b"frombuffer": rb"\x8c(?:\x12numpy\.core|\x13numpy\._core)\.numeric\x94\x8c\x0b_frombuffer\x94\x93\x94",
    b"ndarray": rb"\x8c\x05numpy\x94\x8c\x07ndarray\x94\x93\x94",
    b"dtype": rb"\x8c\x05dtype\x94\x93\x94",
    b"name": rb"\x8c\x02(?P<name>[biuf][1248])",
    b"order": rb"\x8c\x01(?P<order>[<>|])",
}
# Protocol 3, and arrays that skelgait writes.
_OLD = {
    **_PARTS,
    b"memo": rb"(?:q.)?",
    b"reconstruct": rb"cnumpy\._?core\.multiarray\n_reconstruct\n(?:q.)?",
    b"ndarray": rb"cnumpy\nndarray\n(?:q.)?",
    b"dtype": rb"cnumpy\ndtype\n(?:q.)?",
    b"name": rb"X\x02\x00{3}(?P<name>[biuf][1248])",
    b"order": rb"X\x01\x00{3}(?P<order>[<>|])",
}
_TYPE = (
    rb"%(dtype)b%(name)b%(memo)b(?:\x89\x88|K\x00K\x01)\x87%(memo)bR%(memo)b"
    rb"\(K\x03%(order)b%(memo)bNNNJ\xff{4}J\xff{4}K\x00t%(memo)bb"
)
_RECONSTRUCT = (
    rb"\x80[\x03-\x05]%(frame)b%(reconstruct)b%(ndarray)bK\x00\x85%(memo)bC\x01b%(memo)b\x87%(memo)bR%(memo)b"
    rb"\(K\x01%(shape)b%(memo)b"
)
_STATE = rb"(?P<fortran>[\x88\x89])%(length)b"
_END = rb"%(frame)b%(memo)bt%(memo)bb\."
_FROMBUFFER = rb"\x80\x05%(frame)b%(frombuffer)b\(%(length)b"
_FROMBUFFER_END = (
    rb"%(frame)b\x94\x8c\x05numpy\x94" + _TYPE + rb"%(shape)b\x94\x8c\x01(?P<fortran>[CF])\x94t\x94R\x94\."
)

Order = Literal["C", "F"]


def _compile(pattern: bytes, parts: dict[bytes, bytes]) -> re.Pattern[bytes]:
    return re.compile(b"(?s)" + pattern % parts)


# Protocol 5 writes the values first, and their description after them.
_VALUES_FIRST = _compile(_FROMBUFFER, _NEW)
# Patterns of the bytes before and after the values.
_LAYOUTS = (
    (_VALUES_FIRST, _compile(_FROMBUFFER_END, _NEW)),
    (_compile(_RECONSTRUCT + rb"h\x03" + _TYPE + _STATE, _NEW), _compile(_END, _NEW)),
    (_compile(_RECONSTRUCT + _TYPE + _STATE, _OLD), _compile(_END, _OLD)),
)


class StoredArray(NamedTuple):
    """Array in a file.

    Attributes:
        kind: data type.
        shape: length of each axis.
        order: `C`, or `F` if the first axis varies fastest.
        n_values: number of values.
        start: position of the values in the file.
    """

    kind: np.dtype[Any]
    shape: tuple[int, ...]
    order: Order
    n_values: int
    start: int


def find_single_array(head: bytes, tail: bytes, size: int) -> StoredArray | None:
    """Return the array of a pickle that holds nothing else; None for all other pickles.

    Args:
        head: first bytes of the file, `MAX_HEAD` if it has so many.
        tail: last bytes, `MAX_TAIL` if it has so many.
        size: number of bytes of the file.
    """
    for before, after in _LAYOUTS:
        if start := before.match(head):
            return _find(start, after, tail, size)
    return None


def _find(start: re.Match[bytes], after: re.Pattern[bytes], tail: bytes, size: int) -> StoredArray | None:
    n_bytes = _integer(start["length4"] or start["length8"] or start["length1"])
    position = start.end() + n_bytes - (size - len(tail))
    end = after.fullmatch(tail, position) if 0 <= position <= len(tail) else None
    if end is None or not (_has_frame(start, size) and _has_frame(end, len(tail))):
        return None
    description = (end if start.re is _VALUES_FIRST else start).group("name", "order", "shape", "fortran")
    stored = _describe(*description)
    return stored._replace(start=start.end()) if stored and stored.n_values * stored.kind.itemsize == n_bytes else None


@lru_cache(maxsize=4096)
def _describe(name: bytes, order: bytes, shape: bytes, fortran: bytes) -> StoredArray | None:
    """Return the array of a description; None if its type is unknown."""
    kind = NUMBER_TYPES.get((name.decode(), order.decode()))
    lengths = tuple(_integer(b"".join(digits)) for digits in _INTEGERS.findall(shape.removeprefix(b"(")))
    is_fortran = fortran in (b"\x88", b"F")
    return kind and StoredArray(kind, lengths, "F" if is_fortran else "C", count_values(lengths), 0)


def _has_frame(match: re.Match[bytes], size: int) -> bool:
    """Return True if a frame, if there is one, ends in the file."""
    return match["frame"] is None or match.end("frame") + _integer(match["frame"]) <= size


def _integer(digits: bytes) -> int:
    return int.from_bytes(digits, "little")
