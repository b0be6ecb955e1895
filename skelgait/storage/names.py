"""Names of identities, conditions, views, frames and runs: they become names of files and folders, and are printed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from hashlib import sha256

from skelgait.errors import DataError

# Files are named after a sequence, with a suffix and, while they are written, a prefix; 255 bytes is the usual limit.
_MAX_BYTES = 200
# Control characters, marks such as those of direction, halves of characters, and separators of lines and paragraphs.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Joiners of letters, which some scripts need.
_JOINERS = frozenset("\u200c\u200d")
_EXPECTED = "a name of visible characters, without slashes, of at most 200 bytes, that does not begin with a dot"


def name_problem(name: str) -> str | None:
    """Return why a name of an identity, condition, view or run cannot be used; None if it can."""
    if not name:
        return "an empty name"
    if name.startswith("."):
        # Also "." and "..", and folders of our own such as .frame_names.
        return f"the name {name}, which is hidden or reserved"
    if "/" in name or "\\" in name:
        return f"the name {name}, which has a slash"
    return _text_problem(name)


def _text_problem(name: str) -> str | None:
    if name.isascii() and name.isprintable() and len(name) <= _MAX_BYTES:
        return None
    categories = {unicodedata.category(c) for c in name if c not in _JOINERS}
    if "Cs" in categories:
        return f"the name {name}, which is not UTF-8"
    if categories & _UNSEEN:
        return f"the name {name}, which has invisible characters"
    size = len(name.encode())
    return f"a name of {size} bytes, {name[:20]}..." if size > _MAX_BYTES else None


def check_key(key: Iterable[str], where: str, hint: str) -> None:
    """Refuse an identity, condition or view that cannot be used as a name.

    Args:
        key: the names.
        where: location of the names, for the message.
        hint: what to do about it.

    Raises:
        DataError: if there is one.
    """
    for name in key:
        problem = name_problem(name)
        if problem:
            raise DataError(where, problem, _EXPECTED, hint)


def check_frame_names(names: Iterable[str] | None, where: str) -> None:
    """Refuse names of frames that cannot be stored, which has one in each line; None: no names.

    Raises:
        DataError: if there is one.
    """
    for name in names or ():
        problem = _text_problem(name)
        if problem:
            raise DataError(where, f"{problem}, of a frame", "frame names of visible characters", "rename the frame")


def usable_name(name: str) -> str:
    """Return a name that can be used, for settings.

    Raises:
        ValueError: if it cannot.
    """
    problem = name_problem(name)
    if problem:
        raise ValueError(f"should be {_EXPECTED.replace('a name', 'a folder name')}")
    return name


def file_stem(key: Iterable[str]) -> str:
    """Return a file name for a sequence, without suffix; a long one is shortened, and ends with a hash of the key."""
    stem = "_".join(key)
    if len(stem.encode()) <= _MAX_BYTES:
        return stem
    shortened = stem.encode()[: _MAX_BYTES - 20].decode(errors="ignore")
    return f"{shortened}-{sha256(stem.encode()).hexdigest()[:16]}"
