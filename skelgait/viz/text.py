"""Names in reports: whatever folders and settings call things, they must not spoil a page or a picture."""

from __future__ import annotations


def printable(words: str) -> str:
    """Words with `?` for each letter that cannot be printed: line breaks, marks of direction, halves of letters."""
    return "".join(c if c.isprintable() else "?" for c in words)
