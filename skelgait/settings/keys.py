"""Every setting by its dotted key, as the schema has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from skelgait.settings.schema import Settings


@cache
def sections() -> Mapping[str, type[BaseModel]]:
    """Every section by its dotted key, such as `train.network`; those of a section follow it."""
    return {key: model for key, info in _walk(Settings, "") if (model := _model_of(info))}


@cache
def settings() -> Mapping[str, FieldInfo]:
    """Every setting that is no section by its dotted key, such as `train.network.name`, in the schema's order."""
    return {key: info for key, info in _walk(Settings, "") if not _model_of(info)}


@cache
def paths() -> frozenset[str]:
    """The dotted keys of all settings that are paths."""
    return frozenset(
        key for key, info in settings().items() if Path in (info.annotation, *get_args(info.annotation))
    )


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        yield f"{prefix}{name}", info
        if inside := _model_of(info):
            yield from _walk(inside, f"{prefix}{name}.")


def _model_of(info: FieldInfo) -> type[BaseModel] | None:
    annotation = info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
