"""Reader of checkpoint files of skelgait and OpenGait, and of files with weights alone."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal
from zipfile import BadZipFile, is_zipfile

from pydantic import BaseModel, Field, NonNegativeInt, ValidationError
from torch import Tensor

from skelgait.checkpoints.content import read_content
from skelgait.checkpoints.safetensors_file import is_safetensors, read_safetensors
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import to_opengait

Kind = Literal["skelgait", "opengait", "weights"]

EXPECTED = "a checkpoint of skelgait or of OpenGait"
HINT = "choose another file"

_ZIP_START = b"PK\x03\x04"

# Prefixes of all weight names, and the wrappers that add them.
_WRAPPERS = {
    "module.": "DistributedDataParallel",
    "_orig_mod.": "torch.compile",
    "model.": "a wrapper class",
}


class SkelgaitEntries(BaseModel, strict=True):
    """Entries of a checkpoint file that only skelgait writes."""

    training: dict[str, Any]
    version: str | None = None
    test_embedding: Literal[1, 2] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)
    checkpoint_sha256: str = ""


class _Content(BaseModel, strict=True, arbitrary_types_allowed=True):
    """Entries of a checkpoint file of skelgait or OpenGait; all others are ignored."""

    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    iteration: NonNegativeInt = 0
    skelgait: SkelgaitEntries = SkelgaitEntries(training={})


@dataclass(frozen=True)
class CheckpointFile:
    """Content of a checkpoint file; its weights may be incomplete.

    Attributes:
        kind: `skelgait` or `opengait` for a checkpoint of that program; `weights` for weights alone.
        weights: state dict with OpenGait names.
        iteration: number of optimizer steps; None: not in the file.
        optimizer: state of the optimizer; may be empty.
        scheduler: state of the learning-rate schedule; may be empty.
        skelgait: entries that only skelgait writes; defaults in files of other programs.
        remarks: unusual properties of the file that were handled.
    """

    kind: Kind
    weights: Mapping[str, Tensor]
    iteration: int | None
    optimizer: Mapping[str, Any]
    scheduler: Mapping[str, Any]
    skelgait: SkelgaitEntries
    remarks: tuple[str, ...]

    @property
    def is_resumable(self) -> bool:
        """True if the states of optimizer, schedule and training are all in the file."""
        return bool(self.optimizer and self.scheduler and self.skelgait.training)


def read_checkpoint_file(path: Path) -> CheckpointFile:
    """Read a checkpoint file. No code in it is executed.

    Args:
        path: checkpoint file.

    Raises:
        CheckpointError: if the file is missing, damaged, or has no named weights.
    """
    entries, remarks = _find_weights(_read(path), path)
    content = _validate(entries, path)
    weights, more_remarks = _with_opengait_names(content.model)
    present = content.model_fields_set
    kind: Kind = "weights"
    if "skelgait" in present:
        kind = "skelgait"
    elif {"optimizer", "scheduler", "iteration"} <= present:
        kind = "opengait"
    return CheckpointFile(
        kind=kind,
        weights=weights,
        iteration=content.iteration if "iteration" in present else None,
        optimizer=content.optimizer or {},
        scheduler=content.scheduler or {},
        skelgait=content.skelgait,
        remarks=(*remarks, *more_remarks),
    )


def _read(path: Path) -> object:
    if path.suffix.lower() == ".onnx" and path.is_file():
        hint = "pass the checkpoint that it was exported from; embed, identify, evaluate and Embedder take it"
        raise CheckpointError(path, "an ONNX file", EXPECTED, hint)
    try:
        return read_safetensors(path) if is_safetensors(path) else read_content(path)
    except FileNotFoundError as error:
        raise CheckpointError(path, "no such file", EXPECTED, "check the path") from error
    except CheckpointError:
        raise
    except Exception as error:  # a damaged or hostile file can raise anything
        reason = _truncation(path, error) or f"a file that cannot be read ({_reason(error)})"
        raise CheckpointError(path, reason, EXPECTED, "use an earlier checkpoint, or download it again") from error


def _truncation(path: Path, error: Exception) -> str:
    """Return a description of a file whose end is missing; empty if it has its end, or is no file of torch."""
    with suppress(OSError, BadZipFile):
        size, content = path.stat().st_size, path.open("rb")
        with content:
            start = content.read(len(_ZIP_START))
        if not size:
            return "an empty file"
        # A zip file has its table of contents at its end; old versions of torch wrote a series of pickles.
        is_cut_zip = _ZIP_START.startswith(start) and not is_zipfile(path)
        is_cut_pickle = start[:1] == pickle.PROTO and _reports_missing_bytes(error)
        if is_cut_zip or is_cut_pickle:
            return f"a truncated file: it ends after {size} bytes"
    return ""


def _reports_missing_bytes(error: Exception) -> bool:
    return isinstance(error, EOFError | IndexError | struct.error) or "unexpected EOF" in str(error)


def _reason(error: Exception) -> str:
    """Return why a file cannot be read, in one line, without torch's advice to execute its code."""
    if isinstance(error, pickle.UnpicklingError):
        return "it is damaged, or not written by torch.save"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _find_weights(content: object, path: Path) -> tuple[dict[Any, Any], list[str]]:
    """Return the content with weights under the key `model`, and remarks if they were elsewhere."""
    if isinstance(content, dict):
        if isinstance(content.get("model"), dict):
            return content, []
        if _is_state_dict(content):
            return {"model": content}, ["a bare state dict, without iteration and settings"]
        if _is_state_dict(content.get("state_dict")):
            remark = "weights under the key state_dict (PyTorch Lightning); all other entries are ignored"
            return {"model": content["state_dict"]}, [remark]
    raise CheckpointError(path, f"a {type(content).__name__} without weights", EXPECTED, HINT)


def _is_state_dict(content: object) -> bool:
    return (
        isinstance(content, dict)
        and bool(content)
        and all(isinstance(name, str) and isinstance(weight, Tensor) for name, weight in content.items())
    )


def _validate(content: dict[Any, Any], path: Path) -> _Content:
    try:
        validated = _Content.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        value = "nothing" if problem["type"] == "missing" else shorten(repr(problem["input"]), 60)
        found = f"{value} under {'.'.join(map(str, problem['loc']))}"
        raise CheckpointError(path, found, EXPECTED, HINT) from error
    return validated


def _with_opengait_names(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Return the weights with OpenGait names, and remarks on names that were changed."""
    remarks = []
    while prefix := next((prefix for prefix in _WRAPPERS if weights and _all_begin_with(prefix, weights)), ""):
        weights = {name.removeprefix(prefix): weight for name, weight in weights.items()}
        remarks.append(f"prefix {prefix} of all names removed, which {_WRAPPERS[prefix]} adds")
    renamed = to_opengait(weights)
    if renamed.keys() != weights.keys() and any(name.startswith("front.") for name in weights):
        weights = renamed
        remarks.append("weight names of skelgait's Python classes, translated to OpenGait's")
    return weights, remarks


def _all_begin_with(prefix: str, weights: Mapping[str, Tensor]) -> bool:
    return all(name.startswith(prefix) for name in weights)
