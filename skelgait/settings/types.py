"""Setting types shared by several commands."""

from __future__ import annotations

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict

from skelgait.matching.registry import DISTANCES
from skelgait.models.registry import NETWORKS
from skelgait.storage.backends import BACKENDS
from skelgait.storage.names import usable_name


class OneOf:
    """Validator of a name in a registry, to which programs may add names.

    Args:
        registry: mapping whose keys are the valid names.
    """

    def __init__(self, registry: Collection[str]) -> None:
        self.registry = registry

    def __call__(self, name: str) -> str:
        """Return the name if the registry has it.

        Raises:
            ValueError: if it is unknown.
        """
        if name not in self.registry:
            near = get_close_matches(name, self.registry, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"should be {' or '.join(map(repr, self.registry))}{hint}")
        return name


def _list_to_tuple(value: object) -> object:
    """Return a list, which YAML and JSON have instead of tuples, as a tuple."""
    return tuple(value) if isinstance(value, list) else value


def _auto_or_whole_number(value: object) -> object:
    """Return a whole number, also if it is given as text by a flag or the environment; or auto."""
    if isinstance(value, str) and re.fullmatch("[+-]?[0-9]{1,9}", value):
        return int(value)
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError("should be auto or a whole number, such as 1")


class Text:
    """Validator of a text that has a pattern.

    Args:
        pattern: regular expression of the whole text.
        expected: valid texts in plain words, with an example.
    """

    def __init__(self, pattern: str, expected: str) -> None:
        self._pattern, self._expected = re.compile(pattern), expected

    def __call__(self, text: str) -> str:
        """Return the text if it has the pattern.

        Raises:
            ValueError: if it does not.
        """
        if not self._pattern.fullmatch(text):
            raise ValueError(f"should be {self._expected}")
        return text


def checkpoint_text(path: Path) -> str:
    """Return the path of a checkpoint as text; hf://OWNER/NAME/FILE with both slashes, of which pathlib keeps one."""
    return re.sub("^hf:/(?!/)", "hf://", str(path))


# Not strict: YAML, the environment and flags give paths as strings and tuples as lists.
FolderPath = Annotated[Path, Strict(False)]
CheckpointPath = Annotated[Path, Strict(False), PlainSerializer(checkpoint_text, return_type=str, when_used="json")]
Count = Annotated[int, Field(ge=1, le=10**9)]
Counts = Annotated[tuple[Count, ...], BeforeValidator(_list_to_tuple)]
Pixels = Annotated[int, Field(le=4096)]
Megapixels = Annotated[int, Field(ge=1, le=1024)]
Mebibytes = Annotated[int, Field(ge=1, le=2**24)]
Processes = Annotated[int, Field(le=1024)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Width = Annotated[int, Field(ge=1, le=2**16)]
FolderName = Annotated[str, AfterValidator(usable_name)]
FourWidths = Annotated[tuple[Width, Width, Width, Width], BeforeValidator(_list_to_tuple)]
Strings = Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]

Device = Literal["auto", "cpu", "cuda", "mps"]
Network = Annotated[str, AfterValidator(OneOf(NETWORKS))]
Distance = Annotated[str, AfterValidator(OneOf(DISTANCES))]
Precision = Literal["auto", "float32", "bf16", "fp16"]
Storage = Annotated[str, AfterValidator(OneOf(BACKENDS))]
# `auto` first: flags take text.
FrameOffset = Annotated[Literal["auto"] | int, BeforeValidator(_auto_or_whole_number)]
PersonId = Annotated[
    str, AfterValidator(Text(r"p?[0-9]{1,9}", "a track id of the file, such as 7, or p1, p2, ... by prominence"))
]
ImageSize = Annotated[
    str, AfterValidator(Text("[1-9][0-9]{0,4}x[1-9][0-9]{0,4}", "width x height in pixels, such as 1920x1080"))
]
Fraction = Annotated[float, Field(ge=0, le=1)]
