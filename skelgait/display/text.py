"""Text from files and settings that is safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return the text with `?` for each character that cannot be printed, such as a line break or a surrogate."""
    return "".join(c if c.isprintable() else "?" for c in text)


def escaped(text: str) -> str:
    """Return the text, or its ASCII literal in quotes if it has characters that a terminal would interpret."""
    return text if text.isprintable() else ascii(text)
