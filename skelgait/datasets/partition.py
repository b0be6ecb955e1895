"""Partitions of identities into training and test."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from skelgait.errors import DataError

_HINT = "write a JSON object with lists of identity strings under TRAIN_SET and TEST_SET"


@dataclass(frozen=True)
class Partition:
    """Training and test identities, without overlap.

    Attributes:
        train: training identities.
        test: test identities.
        probes: (identity, condition, view) of the probes, if the dataset lists them; otherwise empty.
    """

    train: frozenset[str]
    test: frozenset[str]
    probes: frozenset[tuple[str, str, str]] = frozenset()


def load_partition(path: Path) -> Partition:
    """Read a partition from JSON: lists TRAIN_SET and TEST_SET, and optionally PROBE_SET of `identity-condition-view`.

    Raises:
        DataError: if the file cannot be read, lacks a list, or has an identity in both lists.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a partition in JSON", "check the path") from error
    except ValueError as error:
        raise DataError(path, f"no JSON ({error})", "a partition in JSON", _HINT) from error
    train, test = (_strings(content, name, path) for name in ("TRAIN_SET", "TEST_SET"))
    both = sorted(set(train) & set(test))
    if both:
        found = f"{', '.join(both[:3])} in both TRAIN_SET and TEST_SET"
        raise DataError(path, found, "no identity in both", "remove it from one of them")
    probes = [_probe(entry, path) for entry in _strings({"PROBE_SET": [], **content}, "PROBE_SET", path)]
    return Partition(frozenset(train), frozenset(test), frozenset(probes))


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
