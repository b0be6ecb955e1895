"""What lies in a checkpoint file: ours, OpenGait, or weights of these networks that were kept in another way."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError
from torch import Tensor

from skelgait.errors import CheckpointError
from skelgait.opengait.weights import to_opengait

Kind = Literal["skelgait", "opengait", "weights"]

EXPECTED = "a checkpoint of skelgait or of OpenGait"
HINT = "choose another file"

# What stands before every name of a network that was wrapped, and by what.
_WRAPPERS = {
    "module.": "DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "model.": "a class with the network in it",
}


class Ours(BaseModel, strict=True):
    """What only our files have."""

    training: dict[str, Any]
    version: str | None = None
    test_embedding: Literal[1, 2] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)


class _Content(BaseModel, strict=True, arbitrary_types_allowed=True):
    """What counts in a file, skelgait or OpenGait."""

    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    iteration: NonNegativeInt = 0
    skelgait: Ours = Ours(training={})


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint file as it is, whether or not its weights are whole.

    Attributes:
        kind: of `skelgait`; of the `opengait`' pipeline; or `weights` alone.
        weights: a state dict under OpenGait names.
        iteration: optimizer steps taken; None where the file does not say.
        optimizer: state of the optimizer; empty where there is none.
        scheduler: state of the schedule; empty where there is none.
        ours: what only our files have; its defaults in others.
        remarks: what is unusual about how the weights are kept.
    """

    kind: Kind
    weights: Mapping[str, Tensor]
    iteration: int | None
    optimizer: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    ours: Ours
    remarks: tuple[str, ...]

    @property
    def can_be_resumed(self) -> bool:
        """Whether optimizer, schedule and the rest of a training's state are all there."""
        return bool(self.optimizer and self.scheduler and self.ours.training)


def read_checkpoint_file(path: Path) -> CheckpointFile:
    """Read a file; nothing in it is executed.

    Raises:
        CheckpointError: the file is missing, damaged, or holds no weights under names.
    """
    found, remarks = _find_weights(_read(path), path)
    content = _checked(found, path)
    weights, more_remarks = _under_authors_names(content.model)
    told = content.model_fields_set
    kind: Kind = "weights"
    if "skelgait" in told:
        kind = "skelgait"
    elif {"optimizer", "scheduler", "iteration"} <= told:
        kind = "opengait"
    return CheckpointFile(
        kind=kind,
        weights=weights,
        iteration=content.iteration if "iteration" in told else None,
        optimizer=content.optimizer or {},
        scheduler=content.scheduler or {},
        ours=content.skelgait,
        remarks=(*remarks, *more_remarks),
    )


def _read(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(path, "no such file", EXPECTED, "check the path") from error
    except Exception as error:  # a damaged or hostile file can raise anything
        found, hint = (
            f"a file that cannot be read ({_reason(error)})",
            "use an earlier checkpoint, or fetch the file anew",
        )
        raise CheckpointError(path, found, EXPECTED, hint) from error


def _reason(error: Exception) -> str:
    """Why a file cannot be read, in a line; without torch's advice to execute what is in it."""
    if match := re.search(r"GLOBAL ([\w.]+)", str(error)):
        return f"it holds {match[1]}, which is code; its weights alone could be read"
    if isinstance(error, pickle.UnpicklingError):
        return "it is damaged, or not written by torch.save"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def printable(name: str) -> str:
    """A name out of a file, without characters that a terminal would obey."""
    return name if name.isprintable() else ascii(name)


def _find_weights(content: object, path: Path) -> tuple[dict[Any, Any], list[str]]:
    """The content with weights under `model`, and where they were if they were elsewhere."""
    if isinstance(content, dict):
        if isinstance(content.get("model"), dict):
            return content, []
        if _is_state_dict(content):
            return {"model": content}, [
                "a bare state dict, which tells neither iteration nor settings; it is read as it is"
            ]
        if _is_state_dict(content.get("state_dict")):
            remark = "the weights are kept under state_dict, as PyTorch Lightning does; all else is read past"
            return {"model": content["state_dict"]}, [remark]
    raise CheckpointError(path, f"a {type(content).__name__} without weights", EXPECTED, HINT)


def _is_state_dict(content: object) -> bool:
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(name, str) and isinstance(weight, Tensor) for name, weight in content.items())
    )


def _checked(content: dict[Any, Any], path: Path) -> _Content:
    try:
        checked = _Content.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        value = "nothing" if problem["type"] == "missing" else shorten(repr(problem["input"]), 60)
        found = f"{value} under {printable('.'.join(map(str, problem['loc'])))}"
        raise CheckpointError(path, found, EXPECTED, HINT) from error
    for name, weight in checked.model.items():
        if weight.is_nested or weight.is_meta or weight.layout is not torch.strided:
            raise CheckpointError(
                path, f"a nested, sparse or empty tensor under {printable(name)}", "plain tensors", HINT
            )
    return checked


def _under_authors_names(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The weights under OpenGait names, and how they were called if it was another way."""
    remarks = []
    while prefix := next((prefix for prefix in _WRAPPERS if weights and _all_begin_with(prefix, weights)), ""):
        weights = {name.removeprefix(prefix): weight for name, weight in weights.items()}
        remarks.append(f"all names begin with {prefix}, as {_WRAPPERS[prefix]} leaves them; they are read without it")
    renamed = to_opengait(weights)
    if renamed.keys() != weights.keys() and any(name.startswith("front.") for name in weights):
        weights = renamed
        remarks.append("the weights have the names that skelgait uses in Python; they are read under OpenGait")
    return weights, remarks


def _all_begin_with(prefix: str, weights: Mapping[str, Tensor]) -> bool:
    return all(name.startswith(prefix) for name in weights)
