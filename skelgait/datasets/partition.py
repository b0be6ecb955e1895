"""Partitions of identities into training and test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from skelgait.errors import DataError, reading

_HINT = "write a JSON object with lists of identity strings under TRAIN_SET and TEST_SET"


@dataclass(frozen=True)
class Partition:
    """Training, test and validation identities, without overlap.

    Attributes:
        train: training identities.
        test: test identities.
        probes: (identity, condition, view) of the probes, if the dataset lists them; otherwise empty.
        validation: identities to choose the best checkpoint by; may be empty.
    """

    train: frozenset[str]
    test: frozenset[str]
    probes: frozenset[tuple[str, str, str]] = frozenset()
    validation: frozenset[str] = frozenset()


def load_partition(path: Path) -> Partition:
    """Read a partition from JSON: lists TRAIN_SET and TEST_SET, and optionally VAL_SET and PROBE_SET.

    The entries of PROBE_SET are `identity-condition-view`, all others are identities.

    Raises:
        DataError: if the file cannot be read, lacks a list, or has an identity in two lists.
    """
    with reading(path, "a partition in JSON", _HINT, "no JSON"):
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    train, test = (_strings(content, name, path) for name in ("TRAIN_SET", "TEST_SET"))
    validation, probes = (_strings({name: [], **content}, name, path) for name in ("VAL_SET", "PROBE_SET"))
    sets = {"TRAIN_SET": train, "TEST_SET": test, "VAL_SET": validation}
    for first, second in combinations(sets, 2):
        if shared := sorted(set(sets[first]) & set(sets[second])):
            found = f"{', '.join(shared[:3])} in both {first} and {second}"
            raise DataError(path, found, "no identity in both", "remove it from one of them")
    named = frozenset(_probe(entry, path) for entry in probes)
    return Partition(frozenset(train), frozenset(test), named, frozenset(validation))


def numbered(first: int, last: int, width: int, suffix: str = "", step: int = 1) -> frozenset[str]:
    """Return identities `first` to `last`, both inclusive, zero-padded to `width` digits."""
    return frozenset(f"{number:0{width}d}{suffix}" for number in range(first, last + 1, step))


def _strings(content: object, name: str, path: Path) -> list[str]:
    entries = content.get(name) if isinstance(content, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise DataError(path, f"no list of strings under {name}", f"a list of strings under {name}", _HINT)
    return entries


def _probe(entry: str, path: Path) -> tuple[str, str, str]:
    parts = entry.split("-")
    if len(parts) != 3:
        raise DataError(
            path, f"the probe {entry}", "identity-condition-view", "write the probes like this in PROBE_SET"
        )
    return parts[0], parts[1], parts[2]
