"""Text from files, folders and settings that is safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return the text with an escape for each character that a terminal would interpret or not show.

    These are control characters, line breaks, marks of direction, invisible characters, and halves of characters. They
    become `\n`, `\x1b` or `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
