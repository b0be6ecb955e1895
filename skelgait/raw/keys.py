"""Identity, condition and view of sequences, from their paths."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from skelgait.errors import DataError, SettingsError
from skelgait.storage import Key
from skelgait.storage.names import check_key

PathParts = tuple[str, ...]
"""Folder names of the path of a sequence, relative to the root."""

DEFAULT_LABEL = "00"
"""Condition or view of a sequence without one in its path."""

_GREW = re.compile(r"train/\d{5}/[^/]+|test/gallery/\d{5}/[^/]+|test/probe/[^/]+")
_OUMVLP_POSES = re.compile(r"(?P<identity>\d{5})/(?P<view>\d{3})_(?P<condition>\d{2})")
_OUMVLP_SILHOUETTES = re.compile(r"Silhouette_(?P<view>\d{3})-(?P<condition>\d{2})/(?P<identity>\d{5})")
_CASIA_B = re.compile(r"(?:.*/)?(?P<identity>\d{3})-(?P<condition>[a-z]{2}-\d{2})-(?P<view>\d{3})")
_PATTERNS = (_OUMVLP_POSES, _OUMVLP_SILHOUETTES, _CASIA_B)
_PLACEHOLDER = re.compile(r"\{(identity|condition|view)\}")
_HINT = "describe the paths with --names, for example --names '{identity}/{condition}/*/{view}'"


def sequence_keys(paths: Iterable[PathParts], root: Path, names: str | None = None) -> dict[Key, PathParts]:
    """Return the identity, condition and view of each path.

    Without `names`, these paths are recognized:

    * the raw trees of GREW and OU-MVLP
    * names as in CASIA-B, such as 001-bg-01-090
    * identity/condition/view; view, or condition and view, may be missing and are then "00". Of paths with more than
      three folders, the first folders are ignored if all paths share them.

    Args:
        paths: folder names from `root` to each sequence; empty for a sequence in `root` itself.
        root: root folder of the paths.
        names: template of the paths with {identity}, {condition} and {view}; * matches any text. Default: recognize.

    Returns:
        The path of each key, sorted by key.

    Raises:
        DataError: if the paths are not recognized, or two paths have the same key.
        SettingsError: if `names` has no {identity}, or does not match a path.
    """
    ordered = sorted(set(paths))
    keys = _match_template(ordered, root, names) if names else _recognize(ordered, root)
    result: dict[Key, PathParts] = {}
    for path, key in zip(ordered, keys, strict=True):
        check_key(key, os.fspath(root.joinpath(*path)), "rename it, or describe the paths with --names")
        if key in result:
            found = f"{'/'.join(result[key])} and {'/'.join(path)}, both with the key {key}"
            raise DataError(root, found, "each sequence once", _HINT)
        result[key] = path
    return dict(sorted(result.items()))


def _recognize(paths: Sequence[PathParts], root: Path) -> list[Key]:
    # The root may be a subfolder of a dataset, such as `train` of GREW: include its name in the match.
    parents = root.absolute().parts[-2:]
    for start in range(len(parents) + _n_shared(paths) + 1):
        inner = [(*parents, *path)[start:] for path in paths]
        if all(_GREW.fullmatch("/".join(path)) for path in inner):
            return _grew_keys(inner)
        for pattern in _PATTERNS:
            matches = [pattern.fullmatch("/".join(path)) for path in inner]
            if all(matches):
                return [Key(**match.groupdict()) for match in matches if match]
    return _keys_by_depth(paths, root)


def _n_shared(paths: Sequence[PathParts]) -> int:
    """Return the number of leading folders that all paths share, without the last folder."""
    first, last = paths[0], paths[-1]  # the paths are sorted: these two differ most
    n = 0
    while n < min(len(first), len(last)) - 1 and first[n] == last[n]:
        n += 1
    return n


def _keys_by_depth(paths: Sequence[PathParts], root: Path) -> list[Key]:
    depths = Counter(map(len, paths))
    if len(depths) > 1:
        examples = " and ".join("/".join(next(p for p in paths if len(p) == depth)) or "." for depth in sorted(depths))
        raise DataError(root, f"sequences at different depths, {examples}", "the same depth for all sequences", _HINT)
    (depth,) = depths
    surplus = min(max(depth - 3, 0), _n_shared(paths))
    if depth - surplus > 3:
        found = f"sequences {depth} folders deep, such as {'/'.join(paths[0])}"
        raise DataError(root, found, "identity/condition/view", _HINT)
    root_name = (root.resolve().name or DEFAULT_LABEL,)
    return [Key(*(*(path[surplus:] or root_name), DEFAULT_LABEL, DEFAULT_LABEL)[:3]) for path in paths]


def _grew_keys(paths: Sequence[PathParts]) -> list[Key]:
    """Return the keys that users of GREW use: training identities end with "train", and conditions are numbers.

    The gallery sequences of an identity are numbered 01, 02, ... in sorted order. Poses and silhouettes of a sequence
    therefore have the same number.
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


def _match_template(paths: Sequence[PathParts], root: Path, names: str) -> list[Key]:
    if "{identity}" not in names:
        hint = "for example --names '{identity}/{view}'"
        raise SettingsError("--names", names, "a template with {identity}", hint)
    pattern = re.compile(_regex(names))
    keys = []
    for path in paths:
        match = pattern.fullmatch("/".join(path))
        if match is None:
            found = f"{names}, which does not match {'/'.join(path)} in {root}"
            raise SettingsError("--names", found, "a template that matches every path", "use * to match any text")
        labels = match.groupdict()
        keys.append(Key(labels["identity"], labels.get("condition", DEFAULT_LABEL), labels.get("view", DEFAULT_LABEL)))
    return keys


def _regex(names: str) -> str:
    """Return the regular expression of a template; a repeated placeholder matches the same text."""
    seen: set[str] = set()
    parts = []
    for i, part in enumerate(_PLACEHOLDER.split(names)):
        if i % 2 == 0:
            parts.append("[^/]*".join(map(re.escape, part.split("*"))))
        else:
            parts.append(f"(?P={part})" if part in seen else f"(?P<{part}>[^/]+?)")
            seen.add(part)
    return "".join(parts)
