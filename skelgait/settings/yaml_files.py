"""YAML files of settings: no code is executed, no key may occur twice, and 5e-4 is a number."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from skelgait.errors import SettingsError

_HINT = "correct the file"


class _Loader(yaml.SafeLoader):
    """Safe loader that rejects duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; raise if a key occurs twice."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        duplicate = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if duplicate is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {duplicate} twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Safe dumper that quotes strings that `_Loader` would read as numbers."""


# YAML 1.1 reads 5e-4 as a string, because it has no dot.
for _class in (_Loader, _Dumper):
    _class.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
    )


def parse_value(text: str) -> object:
    """Return a value as YAML reads it (number, boolean, list, mapping); `text` unchanged if it is not YAML."""
    try:
        return yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError):  # for example 2026-13-45, which is not a date
        return text


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; empty for an empty file.

    Raises:
        SettingsError: if the file cannot be read, is not YAML, or does not hold a mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(path, error.strerror or str(error), "a YAML file", "check the path") from error
    except (yaml.YAMLError, ValueError) as error:
        found = " ".join(str(error).split())
        raise SettingsError(path, f"invalid YAML ({found})", "a YAML file", _HINT) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(path, f"a {type(content).__name__}", "a mapping of keys to values", _HINT)
    return content


def dump_yaml(content: object) -> str:
    """Return YAML text that `read_yaml` reads back unchanged; a list without nested lists takes one line."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)
