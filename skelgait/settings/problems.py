"""What is wrong with given settings or with a file, all of it at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from skelgait.errors import SettingsError
from skelgait.settings.schema import PathsSettings, Settings


class InvalidSettingsError(SettingsError):
    """Settings or a file that cannot be used, one line for each mistake.

    Args:
        where: what they stand in.
        problems: the lines: where it was given, its dotted key, and what is wrong.
    """

    def __init__(self, where: str | os.PathLike[str], problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(where, f"{len(self.problems)} mistakes", "none", "see the lines below")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


def problems_of(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """A line for each thing that the schema found amiss in settings.

    Args:
        error: what it found.
        origins: where each dotted key was given.
    """
    return [_line(problem, origins) for problem in error.errors()]


def message_of(problem: Any) -> str:
    """What pydantic says of one problem, and the value at fault where it is a short one."""
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{message}{found_as(problem['input'])}"


def found_as(value: object) -> str:
    """` (found ...)` for values of one word or a list; nothing for mappings and for what is not there."""
    return f" (found {value!r})" if isinstance(value, str | int | float | bool | list | tuple) else ""


@cache
def section_models() -> dict[str, type[BaseModel]]:
    """Every section by its dotted key."""
    return dict(_sections(Settings, ""))


def _sections(model: type[BaseModel], prefix: str) -> list[tuple[str, type[BaseModel]]]:
    found: list[tuple[str, type[BaseModel]]] = []
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            found += [(f"{prefix}{name}", info.annotation), *_sections(info.annotation, f"{prefix}{name}.")]
    return found


def _line(problem: Any, origins: Mapping[str, str]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    given = next((name for name in origins if key == name or key.startswith(f"{name}.")), None)
    origin = origins.get(given or next((name for name in origins if name.startswith(f"{key}.")), ""), "settings")
    if problem["type"] == "extra_forbidden":
        return f"{origin}: {key}: no such setting; {_nearest(key)}"
    if problem["type"] == "model_type":
        hint = f"; did you mean paths.{key}?" if key in PathsSettings.model_fields else ""
        return f"{origin}: {key}: should be a section of keys{found_as(problem['input'])}{hint}"
    return f"{origin}: {key}: {message_of(problem)}"


def _nearest(key: str) -> str:
    section, _, last = key.rpartition(".")
    model = section_models().get(section, Settings)
    everywhere = [f"{name}.{field}" for name, model in section_models().items() for field in model.model_fields]
    elsewhere = [name for name in everywhere if name.endswith(f".{last}")]
    here = [f"{section}.{name}".lstrip(".") for name in get_close_matches(last, model.model_fields, n=1, cutoff=0.5)]
    near = elsewhere or here or get_close_matches(key, everywhere, n=1)
    return f"did you mean {near[0]}?" if near else f"known here are {', '.join(model.model_fields)}"
