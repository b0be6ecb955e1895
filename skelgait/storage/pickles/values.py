"""Numbers and text from the bytes that a pickle stores for them."""

from __future__ import annotations

import codecs

from skelgait.storage.pickles.refusal import SAVE_PLAIN_DATA, RefusedPickle

_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1
_MAX_DIGITS = 40


def to_text(block: bytes) -> str:
    """Return text from UTF-8; lone surrogates are kept, as Python writes them."""
    return str(block, "utf-8", "surrogatepass")


def to_python_2_text(block: bytes) -> str:
    """Return text of Python 2, one character a byte."""
    return str(block, "latin1")


def to_integer(block: bytes) -> int:
    """Return an integer from its bytes, the lowest first."""
    if len(block) > 9:
        raise RefusedPickle(f"an integer of {len(block)} bytes", SAVE_PLAIN_DATA)
    return _check_integer(int.from_bytes(block, "little", signed=True))


def _check_integer(number: int) -> int:
    # numpy has no larger ones.
    if not _MIN_INTEGER <= number <= _MAX_INTEGER:
        raise RefusedPickle("an integer of more than 64 bits", SAVE_PLAIN_DATA)
    return number


def parse_integer(line: bytes) -> int | bool:
    """Return an integer, or a truth value, from its digits."""
    if line in (b"00", b"01"):
        return line == b"01"
    if len(line) > _MAX_DIGITS:
        raise RefusedPickle(f"an integer of {len(line)} digits", SAVE_PLAIN_DATA)
    return _check_integer(int(line.rstrip(b"L")))


def parse_float(line: bytes) -> float:
    """Return a number from its digits."""
    if len(line) > _MAX_DIGITS:
        raise RefusedPickle(f"a number of {len(line)} digits", SAVE_PLAIN_DATA)
    return float(line)


def parse_quoted(line: bytes) -> str:
    """Return text that Python 2 wrote in quotes, with one character a byte."""
    line = line.strip()
    if len(line) < 2 or line[:1] not in (b"'", b'"') or line[-1:] != line[:1]:
        raise RefusedPickle("text without quotes")
    return str(codecs.escape_decode(line[1:-1])[0], "latin1")
