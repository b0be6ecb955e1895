"""Pickles that attack their reader, by name."""

from __future__ import annotations

import struct

# An address that no program may read.
ADDRESS = (0x4141414141414141).to_bytes(8, "little")
_UNCHANGED = b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"


def name(module: str, attribute: str) -> bytes:
    """Return the operation that pushes an object by its name."""
    return f"c{module}\n{attribute}\n".encode()


def text(content: str) -> bytes:
    return b"X" + struct.pack("<I", len(content)) + content.encode()


def short(content: bytes) -> bytes:
    return b"C" + bytes([len(content)]) + content


def pickled(content: bytes, protocol: int = 4) -> bytes:
    return b"\x80" + bytes([protocol]) + content + b"."


def kind(code: str, state: bytes | None = None) -> bytes:
    """Return a data type; the flags of an object type say that its values are no references."""
    state = state if state is not None else b"(K\x03" + text("|") + _UNCHANGED + b"K\x00t"
    return name("numpy", "dtype") + text(code) + b"\x89\x88\x87R" + state + b"b"


def array(
    shape: bytes, dtype: bytes, values: bytes, subtype: bytes = name("numpy", "ndarray"), base: str = "b"
) -> bytes:
    """Return an array as numpy writes it: an empty array, and its state."""
    empty = name("numpy._core.multiarray", "_reconstruct") + subtype + b"K\x00\x85" + short(base.encode()) + b"\x87R"
    return empty + b"(K\x01" + shape + dtype + b"\x89" + values + b"tb"


_STRUCTURED = (
    b"(K\x03" + text("|") + b"N" + text("a") + b"\x85}" + text("a") + kind("O8") + b"K\x00\x86sK\x08K\x08K\x3ft"
)
_SCALAR = name("numpy._core.multiarray", "scalar")
_FROMBUFFER = name("numpy._core.numeric", "_frombuffer")
_ONE, _OBJECTS, _BYTES = b"K\x01\x85", kind("O"), short(ADDRESS)
_BASE_OBJECT = name("builtins", "object")
_EIGHT_BYTES = kind("V8", b"(K\x03" + text("|") + b"NNNK\x08K\x01K\x00t")

# Would crash a reader that lets numpy build what a file describes: content, and what is found.
NUMPY = {
    "flags of an object type cleared, object called": (
        _SCALAR + kind("O") + _BYTES + b"\x86R)R",
        "a number of an unknown type",
    ),
    "object type of 8 bytes": (_SCALAR + kind("O8") + _BYTES + b"\x86R", "a number of an unknown type"),
    "ndarray of objects in a buffer": (
        name("numpy", "ndarray") + b"(" + _ONE + _OBJECTS + _BYTES + b"tR",
        "a call of numpy.ndarray",
    ),
    "ndarray with strides 0": (
        name("numpy", "ndarray") + b"(J\x00\x00\x00\x40\x85" + kind("u1") + _BYTES + b"K\x00K\x00\x85tR",
        "a call of numpy.ndarray",
    ),
    "array of an object subtype": (array(_ONE, kind("u1"), _BYTES, _BASE_OBJECT), "the object builtins.object"),
    "array of a type as subtype": (array(_ONE, kind("u1"), _BYTES, name("numpy", "dtype")), "an array of numpy.dtype"),
    "array without type as subtype": (array(_ONE, kind("u1"), _BYTES, b"N"), "an array of an unknown type"),
    "array that begins as objects": (array(_ONE, kind("u1"), _BYTES, base="O"), "an array of numpy.ndarray"),
    "array state with objects": (array(_ONE, _OBJECTS, _BYTES), "a bytes for an array of 1 objects"),
    "array state with structures": (array(_ONE, kind("V8", _STRUCTURED), _BYTES), "an array of fields"),
    "array of bytes without a type": (array(_ONE, _EIGHT_BYTES, _BYTES), "an array of type 'V8'"),
    "scalar without a type": (_SCALAR + _EIGHT_BYTES + _BYTES + b"\x86R", "an array of type 'V8'"),
    "dtype of a dtype": (name("numpy", "dtype") + _OBJECTS + b"K\x03\x85\x86\x89\x88\x87R", "an array of fields"),
    "objects in a buffer": (
        _FROMBUFFER + b"(" + _BYTES + _OBJECTS + _ONE + text("C") + b"tR",
        "a bytes for an array of 1 objects",
    ),
    "memmap": (array(_ONE, kind("u1"), _BYTES, name("numpy", "memmap")), "the object numpy.memmap"),
    "as_strided": (name("numpy.lib.stride_tricks", "as_strided"), "the object numpy.lib.stride_tricks.as_strided"),
    "second state": (
        array(_ONE, kind("u1"), short(b"1")) + b"(K\x01" + _ONE + _OBJECTS + b"\x89" + _BYTES + b"tb",
        "a state for a ndarray",
    ),
    "state of a list": (b"]}" + text("__class__") + b"Nsb", "a state for a list"),
    "array as a key": (b"}" + array(_ONE, kind("u1"), short(b"1")) + b"K\x01s", "a ndarray as a key"),
    "array without its state": (
        name("numpy._core.multiarray", "_reconstruct")
        + name("numpy", "ndarray")
        + b"K\x00\x85"
        + short(b"b")
        + b"\x87R",
        "an array without its values",
    ),
}


def code(command: str) -> dict[str, tuple[bytes, str]]:
    """Return pickles that run a command in an ordinary reader: content, and what is found."""
    system, run = name("os", "system"), text(command)
    getattr_ = name("builtins", "getattr")
    return {
        "os.system": (system + run + b"\x85R", "the object os.system"),
        "os.system, protocol 0": (b"cos\nsystem\n(S'" + command.encode() + b"'\ntR", "the object os.system"),
        "eval": (
            name("builtins", "eval") + text(f"__import__('os').system({command!r})") + b"\x85R",
            "the object builtins.eval",
        ),
        "names on the stack": (text("os") + text("system") + b"\x93" + run + b"\x85R", "the object os.system"),
        "INST": (b"(" + run + b"ios\nsystem\n", "the object os.system"),
        "OBJ": (b"(" + name("numpy", "ndarray") + run + b"o", "the pickle operation OBJ"),
        "NEWOBJ": (name("numpy", "dtype") + run + b"\x85\x81", "the pickle operation NEWOBJ"),
        "NEWOBJ_EX": (name("numpy", "dtype") + run + b"\x85}\x92", "the pickle operation NEWOBJ_EX"),
        "getattr of an allowed name": (
            getattr_ + name("numpy", "dtype") + text("__class__") + b"\x86R",
            "the object builtins.getattr",
        ),
        "name in an allowed module": (
            name("numpy", "ndarray.__class__.__base__"),
            "the object numpy.ndarray.__class__.__base__",
        ),
        "module of an allowed module": (
            name("numpy._core.multiarray", "sys.modules"),
            "the object numpy._core.multiarray.sys.modules",
        ),
        "copyreg": (name("copyreg", "_reconstructor") + b"(" + system + b"NNtR", "the object copyreg._reconstructor"),
        "EXT1": (b"\x82\x01", "the pickle operation EXT1"),
        "EXT4": (b"\x84\x01\x00\x00\x00", "the pickle operation EXT4"),
        "PERSID": (b"Pos.system\n", "the pickle operation PERSID"),
        "BINPERSID": (run + b"Q", "the pickle operation BINPERSID"),
        "buffer outside": (b"\x97", "the pickle operation NEXT_BUFFER"),
        "call of text": (run + b")R", "a call of a str"),
        "name with a line break": (text("os") + text("sys\x1b[2Jtem") + b"\x93", r"the object os.sys\x1b[2Jtem"),
    }


def _doubled(levels: int) -> bytes:
    """Return a list of two lists of two lists ..., each in the file once."""
    first = b"]\x94(]\x94(K\x01K\x02e"
    return first + b"".join(b"]\x94(h%ch%ce" % (n, n) for n in range(1, levels)) + b"e"


def _repeated(operation: bytes, count: int) -> bytes:
    return b"](" + operation * count + b"e"


# Small files with large content: content, and what is found.
BOMBS = {
    "lists of the same lists": (_doubled(60), "values that refer to each other again and again"),
    "tuples of the same tuples": (
        b"](K\x01\x85\x94" + b"".join(b"h%ch%c\x86\x94" % (n, n) for n in range(60)) + b"e",
        "values that refer to each other again and again",
    ),
    "list in itself": (b"]\x94h\x00a", "a list that contains itself"),
    "dictionary in itself": (b"}\x94" + text("a") + b"h\x00s", "a dict that contains itself"),
    "array in itself": (
        array(_ONE, kind("O"), b"]h\x01a").replace(b"\x87R(", b"\x87R\x94(", 1),
        "a reference to value 1 of 1",
    ),
    "the same list in many arrays": (
        b"(](" + b"N" * 10**5 + b"e\x94" + 50 * array(b"J\xa0\x86\x01\x00\x85", kind("O"), b"h\x00") + b"l",
        "arrays or text made from the same bytes again and again",
    ),
    "the same bytes in many arrays": (
        b"(B"
        + struct.pack("<I", 10**5)
        + bytes(10**5)
        + b"\x94"
        + (_FROMBUFFER + b"(h\x00" + kind("u1") + b"J\xa0\x86\x01\x00\x85" + text("C") + b"tR") * 50
        + b"l",
        "arrays or text made from the same bytes again and again",
    ),
    "text encoded again and again": (
        b"("
        + text("a" * 10**5)
        + b"\x94"
        + (name("_codecs", "encode") + b"h\x00" + text("latin1") + b"\x86R") * 50
        + b"l",
        "arrays or text made from the same bytes again and again",
    ),
    "the same long text": (
        b"(" + text("a" * 10**5) + b"\x94" + b"h\x00" * 5000 + b"l",
        "values that refer to each other again and again",
    ),
    "the same array": (
        b"(" + array(b"K\xc8\x85", kind("u1"), short(bytes(200))) + b"\x94" + b"h\x00" * 100_000 + b"l",
        "values that refer to each other again and again",
    ),
    "long axes without values": (
        array(b"J\xff\xff\xff\x7fK\x00\x86", kind("u1"), short(b"")),
        "an array (2147483647, 0), which has no values",
    ),
    "shape without bytes": (
        array(b"J\xff\xff\xff\x7f\x85", kind("u1"), short(b"1")),
        "1 bytes for an array (2147483647,) of uint8",
    ),
    "shape beyond 64 bits": (
        array(b"(" + b"J\xff\xff\xff\x7f" * 9 + b"t", kind("u1"), short(b"1")),
        "1 bytes for an array",
    ),
    "shape of 40 axes": (array(b"(" + b"K\x01" * 40 + b"t", kind("u1"), short(b"1")), "an array without a valid shape"),
    "negative shape": (array(b"J\xff\xff\xff\xff\x85", kind("u1"), short(b"1")), "an array without a valid shape"),
    "text of a billion characters": (
        _SCALAR + kind("U999999999") + short(b"") + b"\x86R",
        "an array of type 'U999999999'",
    ),
    "digits": (b"I" + b"9" * 5000 + b"\n", "an integer of 5000 digits"),
    "digits of a long integer": (b"L" + b"9" * 5000 + b"L\n", "an integer of 5001 digits"),
    "digits of a fraction": (b"F0." + b"1" * 5000 + b"\n", "a number of 5002 digits"),
    "bytes of a long integer": (b"\x8b" + struct.pack("<i", 5000) + b"\x7f" * 5000, "an integer of 5000 bytes"),
    "huge block": (b"\x8e" + struct.pack("<Q", 2**60), "pickle data was truncated"),
    "huge buffer": (b"\x96" + struct.pack("<Q", 2**60), "pickle data was truncated"),
    "huge frame": (b"\x95" + struct.pack("<Q", 2**60) + b"N", "pickle data was truncated"),
    "huge memo number": (b"Nr\xff\xff\xff\xff", "the memo number 4294967295 after 0 values"),
    "negative memo number": (b"Np-1\n", "the memo number -1 after 0 values"),
    "reference to nothing": (b"h\x05", "a reference to value 5 of 0"),
    "300,000 marks": (b"(" * 300_000, "more lists, tuples and dictionaries than a file of this size needs"),
    "300,000 lists": (
        _repeated(b"]", 300_000),
        "more lists, tuples and dictionaries than a file of this size needs",
    ),
    "text that is not UTF-8": (b"X\x01\x00\x00\x00\xff", "'utf-8' codec can't decode byte 0xff"),
    "unknown operation": (b"\xff", "byte 255 instead of a pickle operation"),
    "unknown protocol": (b"\x80\x06N", "pickle protocol 6"),
    "missing values": (b"a", "a pickle operation without its values"),
    "missing mark": (b"e", "a pickle operation without its values"),
    "several values": (b"NN", "a pickle with several values"),
    "bytes after the end": (b"N.N", "2 bytes after the end of the pickle"),
}
