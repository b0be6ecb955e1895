"""Damage of files: flipped and replaced bytes, cut, repeated and inserted blocks, and truncation."""

from __future__ import annotations

import random
from collections.abc import Callable

_NUMBERS = [bytes([value]) * size for value in (0, 0x7F, 0x80, 0xFF) for size in (1, 2, 4, 8)]


def _flip(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def _replace(content: bytearray, rng: random.Random) -> None:
    start, number = rng.randrange(len(content)), rng.choice(_NUMBERS)
    content[start : start + len(number)] = number


def _truncate(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


def _cut(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    del content[start : start + rng.randrange(1, 65)]


def _repeat(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    content[start:start] = content[start : start + rng.randrange(1, 65)] * rng.choice((1, 1, 100))


def _insert(content: bytearray, rng: random.Random) -> None:
    start = rng.randrange(len(content))
    content[start:start] = rng.randbytes(rng.randrange(1, 9))


_MUTATIONS: list[Callable[[bytearray, random.Random], None]] = [
    _flip, _flip, _flip, _replace, _truncate, _truncate, _cut, _repeat, _insert,
]  # fmt: skip


def mutate(content: bytes, seed: int) -> bytes:
    """Return damaged content; the same for the same seed."""
    rng = random.Random(seed)
    damaged = bytearray(content)
    rng.choice(_MUTATIONS)(damaged, rng)
    return bytes(damaged)
