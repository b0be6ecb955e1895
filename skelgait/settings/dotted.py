"""Dotted keys of settings, such as `train.optimizer.learning_rate`, and nested mappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from skelgait.errors import SettingsError
from skelgait.settings.problems import section_models


def flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield dotted key and value of a nested mapping; mappings that are values, not sections, stay whole."""
    for key, value in content.items():
        dotted = f"{prefix}{key}"
        if dotted not in section_models():
            yield dotted, value
        elif isinstance(value, Mapping):
            yield from flatten(value, f"{dotted}.")
        elif value is not None:  # an empty section is None in YAML
            yield dotted, value


def nest(flat: Mapping[str, object]) -> dict[str, Any]:
    """Return the nested mapping of dotted keys.

    Raises:
        SettingsError: if a key is given both as a value and as a section.
    """
    nested: dict[str, Any] = {}
    for dotted, value in flat.items():
        *sections, last = dotted.split(".")
        section = nested
        for name in sections:
            section = section.setdefault(name, {})
            if not isinstance(section, dict):
                raise SettingsError(dotted, f"a value for {name} too", "a section of keys", "remove one of them")
        section[last] = value
    return nested


def leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield dotted key and value of every setting."""
    for name in (*type(model).model_fields, *(model.model_extra or ())):
        value, key = getattr(model, name), f"{prefix}{name}"
        if isinstance(value, BaseModel):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value
