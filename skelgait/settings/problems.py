"""Error messages for invalid settings and files: one line per problem, all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError

from skelgait.display import printable
from skelgait.errors import SettingsError
from skelgait.settings.schema import PathsSettings, Settings

MAX_PROBLEMS = 20
"""Problems of a file that a message shows."""
_MAX_CHARACTERS = 200


class InvalidSettingsError(SettingsError):
    """Invalid settings or an invalid file; prints one line per problem.

    Args:
        where: name of the settings or path of the file.
        problems: one line per problem: source, dotted key and reason.
    """

    def __init__(self, where: str | os.PathLike[str], problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(where, f"{len(self.problems)} problems", "none", "correct each of them")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.problems)

    def __str__(self) -> str:
        return "\n".join(map(printable, self.problems))


def problems_of(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """Return one line per problem.

    Args:
        error: result of the validation of settings.
        origins: source of each dotted key.
    """
    # No context and no URL: they would be made for each of thousands of unknown keys.
    found = error.errors(include_url=False, include_context=False)
    lines = [_line(problem, origins) for problem in found[:MAX_PROBLEMS]]
    return [*lines, *more_problems(len(found) - MAX_PROBLEMS)]


def more_problems(n: int) -> list[str]:
    """Return a line with the number of problems that are not shown; nothing if all are shown."""
    return [f"... and {n} more problems"] if n > 0 else []


def message_of(problem: Any) -> str:
    """Return pydantic's message for one problem, with the invalid value if it is short."""
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{message}{found_as(problem['input'])}"


def found_as(value: object) -> str:
    """Return ` (found ...)` for a plain value or a list; an empty string for a mapping or a missing value."""
    if not isinstance(value, str | int | float | bool | list | tuple):
        return ""
    try:
        text = repr(value)
    except ValueError:  # Python does not print integers of more than 4300 digits
        text = "an integer of too many digits"
    return f" (found {text if len(text) <= _MAX_CHARACTERS else f'{text[:_MAX_CHARACTERS]}...'})"


@cache
def section_models() -> dict[str, type[BaseModel]]:
    """Return the model of each section by dotted key."""
    return dict(_sections(Settings, ""))


def _sections(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, type[BaseModel]]]:
    for name, info in model.model_fields.items():
        kind = info.annotation
        # Python 3.10 takes tuple[int, ...] for a type.
        if get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, BaseModel):
            yield f"{prefix}{name}", kind
            yield from _sections(kind, f"{prefix}{name}.")


def _line(problem: Any, origins: Mapping[str, str]) -> str:
    whole_key = ".".join(map(str, problem["loc"]))
    origin, key = _origin(whole_key, origins), whole_key[:_MAX_CHARACTERS]
    if problem["type"] == "extra_forbidden":
        return f"{origin}: {key}: no such setting; {_nearest(key)}"
    if problem["type"] == "model_type":
        hint = f"; did you mean paths.{key}?" if key in PathsSettings.model_fields else ""
        return f"{origin}: {key}: should be a section of keys{found_as(problem['input'])}{hint}"
    return f"{origin}: {key}: {message_of(problem)}"


def _origin(key: str, origins: Mapping[str, str]) -> str:
    """Return the source of a key: of the key itself or a section around it, else of a key inside it."""
    around = (origin for name, origin in origins.items() if key == name or key.startswith(f"{name}."))
    inside = (origin for name, origin in origins.items() if name.startswith(f"{key}."))
    return next(around, None) or next(inside, "settings")


def _nearest(key: str) -> str:
    """Return a hint with the most similar key: of the same name in another section, else of a similar name."""
    section, _, last = key.rpartition(".")
    model = section_models().get(section, Settings)
    keys = [f"{name}.{field}" for name, model in section_models().items() for field in model.model_fields]
    same_name = [name for name in keys if name.endswith(f".{last}")]
    same_section = [f"{section}.{name}".lstrip(".") for name in get_close_matches(last, model.model_fields, 1, 0.5)]
    near = same_name or same_section or get_close_matches(key, keys, n=1)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(model.model_fields)}"
