"""YAML as people mean it: no code, no key twice, and 5e-4 is a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from skelgait.errors import SettingsError

_HINT = "correct the file"


class _Loader(yaml.SafeLoader):
    """Safe; YAML 1.1 reads 5e-4 as a string; this loader reads it as the number that it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; a key that stands in it twice is an error."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice} twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Safe; puts in quotes what `_Loader` would not read as a string."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )


def parse_value(text: str) -> object:
    """A single value as YAML reads it: numbers, booleans, lists; what is none of these stays a string."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError):  # a value such as the date 2026-13-45
        return text


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; empty for an empty file.

    Raises:
        SettingsError: the file cannot be read, is no YAML, or holds no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(path, error.strerror or str(error), "a file in YAML", "check the path") from error
    except (yaml.YAMLError, ValueError) as error:
        found = " ".join(str(error).split())
        raise SettingsError(path, f"no YAML ({found})", "a file in YAML", _HINT) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(path, f"a {type(content).__name__}", "a mapping of keys to values", _HINT)
    return content


def dump_yaml(content: object) -> str:
    """YAML text of plain values that `read_yaml` reads back as they are; lists without lists in them take one line."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
