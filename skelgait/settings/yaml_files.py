"""YAML as people mean it: no code, no key twice, 5e-4 is a number and 2026-11-24 is text."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from skelgait.errors import SettingsError

_MEND = "correct the file"


class _Loader(yaml.SafeLoader):
    """The safe loader, but for what YAML 1.1 does to numbers, dates and repeated keys."""

    # A copy, without dates: what looks like one is a name here.
    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        """A mapping; a key that stands in it twice is an error."""
        node = super().compose_mapping_node(anchor)
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = next((key for i, key in enumerate(keys) if key in keys[:i]), None)
        if twice is not None:
            raise yaml.composer.ComposerError(None, None, f"the key {twice} twice", node.start_mark)
        return node


# YAML 1.1 asks for a point and a signed exponent, and takes 5e-4 and 1.0e3 for text.
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def parse_value(text: str) -> object:
    """A single value as YAML reads it: numbers, booleans, lists; what is none of these stays a string."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError:
        return text


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; empty for an empty file.

    Raises:
        SettingsError: the file cannot be read, is no YAML, has a key twice in one place, or holds no mapping.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise SettingsError(path, error.strerror or str(error), "a settings file", "check the path") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        where = f"{path}, line {line}"
        raise SettingsError(where, error.problem or str(error), "a settings file in YAML", _MEND) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = " ".join(str(error).split())
        raise SettingsError(path, f"no YAML ({found})", "a settings file in YAML", _MEND) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError(path, f"a {type(content).__name__}", "a mapping of settings", _MEND)
    return content
