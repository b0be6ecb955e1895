"""YAML files: no code is executed, no key may occur twice, 5e-4 is a number, and size and nesting are limited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from skelgait.errors import SettingsError, reading

_EXPECTED = "a YAML file"
_HINT = "correct the file"
_MAX_BYTES = 1 << 20
# Values in a file, where each alias counts as much as what it stands for.
_MAX_VALUES = 10_000
_MAX_DEPTH = 50
_MAX_DIGITS = 40
# A tag in front of a value that does not fit it, as in !!map [1], makes PyYAML raise any of these.
_ERRORS = (yaml.YAMLError, LookupError, TypeError, AttributeError)
# The parser in C is faster, but not in every installation of PyYAML.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(yaml.SafeLoader):
    """Safe loader that rejects duplicate keys, merged mappings, and integers that are too long to be printed."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Return the value of a node; raise if it does not fit its tag, as in `!!bool x`."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            problem = f"{node.value!r:.40}, which is no {node.tag.rpartition(':')[2]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; raise if a key occurs twice, is a list or mapping, or is the merge key."""
        keys = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge" or not isinstance(key_node, yaml.ScalarNode):
                kind = (
                    "<<, which merges mappings"
                    if isinstance(key_node, yaml.ScalarNode)
                    else "that is a list or mapping"
                )
                problem = f"a key {kind}, instead of a name"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            key = self.construct_object(key_node, deep=True)
            if key in keys:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} twice", key_node.start_mark)
            keys.add(key)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """Return an integer; raise if it has more than 40 digits."""
        if len(node.value) > _MAX_DIGITS:
            raise ValueError("too many digits")
        return super().construct_yaml_int(node)


class _Dumper(yaml.SafeDumper):
    """Safe dumper that quotes strings that `_Loader` would read as numbers."""


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
# YAML 1.1 reads 5e-4 as a string, because it has no dot.
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )


def parse_value(text: str) -> object:
    """Return a value as YAML reads it (number, boolean, list, mapping); `text` unchanged if it is not YAML."""
    try:
        return _load(text)
    except (ValueError, *_ERRORS):  # for example 2026-13-45, which is not a date
        return text


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; empty for an empty file.

    Raises:
        SettingsError: if the file cannot be read, is not YAML, does not hold a mapping, or holds more than people
            write: 1 MiB, 10,000 values (each alias counts as much as what it stands for), or 50 levels.
    """
    with reading(path, _EXPECTED, _HINT, "invalid YAML", _ERRORS, SettingsError):
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SettingsError(path, f"more than {_MAX_BYTES} bytes", _EXPECTED, "check that this is the right file")
        values = _load(content.decode("utf-8-sig"))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise SettingsError(path, f"a {type(values).__name__}", "a mapping of keys to values", _HINT)
    return values


def dump_yaml(content: object) -> str:
    """Return YAML text that `read_yaml` reads back unchanged; a list without nested lists takes one line."""
    text = _dump(content, allow_unicode=True)
    # PyYAML writes some characters as they are that a terminal would interpret.
    return text if all(map(str.isprintable, text.split("\n"))) else _dump(content, allow_unicode=False)


def _dump(content: object, *, allow_unicode: bool) -> str:
    return yaml.dump(
        content, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode, default_flow_style=None, width=120
    )


def _load(text: str) -> Any:
    try:
        _check_size(yaml.parse(text, _Parser))
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        # The lines that PyYAML quotes may be long.
        mark = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{error.problem or error.context}{mark}") from error


def _check_size(events: Iterable[yaml.Event]) -> None:
    """Refuse more values or levels than people write.

    Raises:
        ValueError: if there are.
    """
    total, open_nodes, sizes = 0, list[tuple[str | None, int]](), dict[str, int]()
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        is_alias = isinstance(event, yaml.AliasEvent)
        if is_alias and any(anchor == event.anchor for anchor, _ in open_nodes):
            raise ValueError(f"the alias {event.anchor} inside what it stands for")
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, total))
        elif not is_alias and event.anchor is not None:
            sizes[event.anchor] = 1
        total += sizes.get(str(event.anchor), 1) if is_alias else 1
        if len(open_nodes) > _MAX_DEPTH:
            raise ValueError(f"more than {_MAX_DEPTH} levels")
        if total > _MAX_VALUES:
            raise ValueError(f"more than {_MAX_VALUES} values, with those that aliases stand for")
