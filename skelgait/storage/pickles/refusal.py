"""Error of the pickle interpreter."""

from __future__ import annotations

TRUNCATED = "pickle data was truncated"
WRITE_AGAIN = "write the file again, or download it again"
SAVE_PLAIN_DATA = "save numbers, text and arrays of numbers, in lists and dictionaries"


class RefusedPickle(ValueError):  # noqa: N818
    """Content of a pickle that is damaged, hostile or of an unknown kind.

    Attributes:
        found: content that was found.
        hint: what to do about it.
    """

    def __init__(self, found: str, hint: str = WRITE_AGAIN) -> None:
        super().__init__(found)
        self.found = found
        self.hint = hint


def shortened(name: str) -> str:
    """Return a name from a file, of limited length."""
    return name if len(name) <= 80 else f"{name[:80]}..."
