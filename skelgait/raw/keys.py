"""From the paths of sequences, as datasets and users name them, to identity, condition and view."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.storage import Key

PathParts = tuple[str, ...]
"""The names of the folders on the way to a sequence, from below the root down."""

DEFAULT_LABEL = "00"
"""Condition or view where the path does not tell them."""

_GREW = re.compile(r"train/\d{5}/[^/]+|test/gallery/\d{5}/[^/]+|test/probe/[^/]+")
_OUMVLP_POSES = re.compile(r"(?P<identity>\d{5})/(?P<view>\d{3})_(?P<condition>\d{2})")
_OUMVLP_SILHOUETTES = re.compile(r"Silhouette_(?P<view>\d{3})-(?P<condition>\d{2})/(?P<identity>\d{5})")
_CASIA_B = re.compile(r"(?:.*/)?(?P<identity>\d{3})-(?P<condition>[a-z]{2}-\d{2})-(?P<view>\d{3})")
_PATTERNS = (_OUMVLP_POSES, _OUMVLP_SILHOUETTES, _CASIA_B)
_PLACEHOLDER = re.compile(r"\{(identity|condition|view)\}")
_HINT = "say how paths are named with --names, such as --names '{identity}/{condition}/*/{view}'"


def sequence_keys(paths: Iterable[PathParts], root: Path, names: str | None = None) -> dict[Key, PathParts]:
    """Identity, condition and view of every sequence, sorted.

    Without `names` the paths tell: GREW's raw tree, OU-MVLP's, CASIA-B's names such as 001-bg-01-090, or
    identity/condition/view, of which the last or the last two may be missing. Folders that all paths share are left out
    where there are more than three.

    Args:
        paths: the folders on the way to each sequence; for one that lies in the root itself, none.
        root: where the paths begin.
        names: how paths are named: {identity}, {condition} and {view} stand for what they say, * for anything.

    Raises:
        DataError: the paths are of no known form, or two of them are the same sequence.
        SettingsError: `names` has no {identity}, or does not fit a path.
    """
    wanted = sorted(set(paths))
    keys = _by_template(wanted, root, names) if names else _recognize(wanted, root)
    found: dict[Key, PathParts] = {}
    for path, key in zip(wanted, keys, strict=True):
        if key in found:
            both = f"{'/'.join(found[key])} and {'/'.join(path)}"
            raise DataError(root, f"{both}, which would both be {key}", "each sequence once", _HINT)
        found[key] = path
    return dict(sorted(found.items()))


def _recognize(paths: Sequence[PathParts], root: Path) -> list[Key]:
    # The root may be a part of a dataset, such as GREW's folder train: its own name then tells.
    above = root.absolute().parts[-2:]
    for start in range(len(above) + _n_shared(paths) + 1):
        inner = [(*above, *path)[start:] for path in paths]
        if all(_GREW.fullmatch("/".join(path)) for path in inner):
            return _grew(inner)
        for pattern in _PATTERNS:
            matches = [pattern.fullmatch("/".join(path)) for path in inner]
            if all(matches):
                return [Key(**match.groupdict()) for match in matches if match]
    return _levels(paths, root)


def _n_shared(paths: Sequence[PathParts]) -> int:
    """How many folders all paths have in common, their last one not counted."""
    first, last = paths[0], paths[-1]  # of sorted paths these differ most
    n = 0
    while n < min(len(first), len(last)) - 1 and first[n] == last[n]:
        n += 1
    return n


def _levels(paths: Sequence[PathParts], root: Path) -> list[Key]:
    depths = Counter(map(len, paths))
    if len(depths) > 1:
        examples = " and ".join("/".join(next(p for p in paths if len(p) == depth)) or "." for depth in sorted(depths))
        raise DataError(root, f"sequences at different depths, {examples}", "all at one depth", _HINT)
    (depth,) = depths
    surplus = min(max(depth - 3, 0), _n_shared(paths))
    if depth - surplus > 3:
        found = f"sequences {depth} folders deep, such as {'/'.join(paths[0])}"
        raise DataError(root, found, "identity/condition/view", _HINT)
    own_name = (root.resolve().name or DEFAULT_LABEL,)
    return [Key(*(*(path[surplus:] or own_name), DEFAULT_LABEL, DEFAULT_LABEL)[:3]) for path in paths]


def _grew(paths: Sequence[PathParts]) -> list[Key]:
    """The names that GREW's users give: identities to train on end in train, and conditions are numbers.

    Sequences of an identity in the gallery are numbered 01, 02, ... by their sorted names, so that poses and
    silhouettes are numbered alike on every disk.
    """
    gallery: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        if path[:2] == ("test", "gallery"):
            gallery[path[2]].append(path[3])
    conditions = {
        (identity, sequence): f"{number:02d}"
        for identity, sequences in gallery.items()
        for number, sequence in enumerate(sorted(sequences), start=1)
    }
    keys = []
    for path in paths:
        if path[0] == "train":
            keys.append(Key(f"{path[1]}train", "00", path[2]))
        elif path[1] == "gallery":
            keys.append(Key(path[2], conditions[path[2], path[3]], path[3]))
        else:
            keys.append(Key("probe", "03", path[2]))
    return keys


def _by_template(paths: Sequence[PathParts], root: Path, names: str) -> list[Key]:
    if "{identity}" not in names:
        raise SettingsError("--names", names, "a pattern with {identity}", "write for example '{identity}/{view}'")
    pattern = re.compile(_expression(names))
    keys = []
    for path in paths:
        match = pattern.fullmatch("/".join(path))
        if match is None:
            found = f"{names}, which does not fit {'/'.join(path)} in {root}"
            raise SettingsError("--names", found, "a pattern that fits every path", "write * for what may be anything")
        given = match.groupdict()
        keys.append(Key(given["identity"], given.get("condition", DEFAULT_LABEL), given.get("view", DEFAULT_LABEL)))
    return keys


def _expression(names: str) -> str:
    """The regular expression of a template; a placeholder that comes again stands for the same text."""
    seen: set[str] = set()
    parts = []
    for i, part in enumerate(_PLACEHOLDER.split(names)):
        if i % 2 == 0:
            parts.append("[^/]*".join(map(re.escape, part.split("*"))))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+?)")
            seen.add(part)
    return "".join(parts)
