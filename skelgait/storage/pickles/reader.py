"""Reader of one pickle in memory."""

from __future__ import annotations

import pickle
import struct

from skelgait.storage.pickles.numpy_forms import Form
from skelgait.storage.pickles.operations import OPERATIONS
from skelgait.storage.pickles.references import check_references
from skelgait.storage.pickles.refusal import TRUNCATED, RefusedPickle
from skelgait.storage.pickles.stream import PickleStream, Unfinished

_STOP = pickle.STOP[0]


def read_pickle(data: bytes) -> object:
    """Return the content of a pickle: numbers, text, arrays, and lists, tuples and dictionaries of these.

    Args:
        data: bytes of the pickle.

    Raises:
        RefusedPickle: if the pickle is damaged, or holds anything else.
    """
    if not data:
        raise RefusedPickle("Ran out of input")
    stream = PickleStream(data)
    try:
        _run(stream)
    except (IndexError, struct.error) as error:
        is_truncated = stream.position >= stream.size or isinstance(error, struct.error)
        raise RefusedPickle(TRUNCATED if is_truncated else "a pickle operation without its values") from error
    except RefusedPickle:
        raise
    except (ValueError, TypeError, OverflowError, RecursionError) as error:  # for example text that is not UTF-8
        raise RefusedPickle(str(error) or type(error).__name__) from error
    if stream.position != stream.size:
        raise RefusedPickle(f"{stream.size - stream.position} bytes after the end of the pickle")
    if stream.outer or len(stream.stack) != 1:
        raise RefusedPickle("a pickle with several values")
    (content,) = stream.stack
    if isinstance(content, Form | Unfinished):
        raise RefusedPickle("an array without its values")
    if stream.has_shared:
        check_references(content, stream.size)
    return content


def _run(stream: PickleStream) -> None:
    """Carry out the operations up to the end of the pickle."""
    data, operations = stream.data, OPERATIONS
    while (code := data[stream.position]) != _STOP:
        stream.position += 1
        operations[code](stream)
    stream.position += 1
