"""What is wrong with given settings, all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from pydantic import BaseModel, ValidationError

from skelgait.errors import SettingsError
from skelgait.settings.schema import Settings


class InvalidSettingsError(SettingsError):
    """Settings that cannot be used, one line for each: where it was given, its dotted key, and what is wrong.

    Args:
        error: what the schema found.
        origins: where each dotted key was given.
    """

    def __init__(self, error: ValidationError, origins: Mapping[str, str]) -> None:
        self.problems = tuple(_line(problem, origins) for problem in error.errors())
        super().__init__("settings", f"{len(self.problems)} that cannot be used", "none", "see the lines below")

    def __reduce__(self) -> tuple[Any, ...]:
        return SettingsError, self.args

    def __str__(self) -> str:
        return "\n".join(self.problems)


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
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    value = problem["input"]
    found = f" (found {value!r})" if isinstance(value, str | int | float | bool | list | tuple) else ""
    return f"{origin}: {key}: {message}{found}"


def _nearest(key: str) -> str:
    section, _, last = key.rpartition(".")
    model = section_models().get(section, Settings)
    everywhere = [f"{name}.{field}" for name, model in section_models().items() for field in model.model_fields]
    elsewhere = [name for name in everywhere if name.endswith(f".{last}")]
    here = [f"{section}.{name}".lstrip(".") for name in get_close_matches(last, model.model_fields, n=1, cutoff=0.5)]
    near = elsewhere or here or get_close_matches(key, everywhere, n=1)
    return f"did you mean {near[0]}?" if near else f"known here are {', '.join(model.model_fields)}"
