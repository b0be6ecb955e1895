"""Checkpoints: ours, under the authors' names, and the authors' own."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

import torch
from pydantic import BaseModel, Field, NonNegativeInt, ValidationError
from torch import Tensor

from skelgait import __version__
from skelgait.errors import CheckpointError, SettingsError
from skelgait.models import GaitNetwork, build_network, from_authors, to_authors
from skelgait.storage.atomic import write_whole

_EXPECTED = "a checkpoint of skelgait or of the authors' pipeline"
_NETWORKS = "SkeletonGait or SkeletonGait++"
_MEND = "choose another file"


@dataclass(frozen=True)
class Architecture:
    """What `build_network` takes.

    Attributes:
        name: skeletongait or skeletongait++.
        channels: channels of layers 1 to 4.
        blocks: residual blocks of layers 1 to 4.
        classes: identities in training.
        embedding_width: D.
        strips: S.
    """

    name: str
    channels: tuple[int, ...]
    blocks: tuple[int, ...]
    classes: int
    embedding_width: int
    strips: int

    def build(self) -> GaitNetwork:
        """A freshly initialised network of this architecture."""
        return build_network(**asdict(self))


@dataclass(frozen=True)
class Checkpoint:
    """A trained network, and what is needed to go on training it.

    Attributes:
        architecture: the network's.
        weights: its state dict, under our names.
        iteration: optimiser steps taken.
        test_embedding: the embedding to compare at test, 1 or 2; None where the file does not say.
        training: states of optimiser, schedule and loss scaling, and the batches drawn; empty in files without these,
            as foreign ones.
        settings: the settings it was trained with; empty in foreign files.
        data: what it was trained on, as `skelgait.training.fingerprint` says; empty in foreign files.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor]
    iteration: int
    test_embedding: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)

    def network(self) -> GaitNetwork:
        """The trained network, on the CPU, in eval mode."""
        network = self.architecture.build()
        network.load_state_dict(dict(self.weights))
        return network.eval()


class _Ours(BaseModel, strict=True):
    """What only our files have."""

    training: dict[str, Any]
    test_embedding: Literal[1, 2] | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    data: dict[str, Any] = Field(default_factory=dict)


class _File(BaseModel, strict=True, arbitrary_types_allowed=True):
    """What counts in a file, ours or the authors'."""

    model: dict[str, Tensor]
    optimizer: dict[str, Any] | None = None
    scheduler: dict[str, Any] | None = None
    iteration: NonNegativeInt = 0
    skelgait: _Ours = _Ours(training={})


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all, with the weights under the authors' names.

    Raises:
        DataError: the file cannot be written.
    """
    training = dict(checkpoint.training)
    content = {
        "model": to_authors(checkpoint.weights),
        "optimizer": training.pop("optimizer", {}),
        "scheduler": training.pop("scheduler", {}),
        "iteration": checkpoint.iteration,
        "skelgait": {
            "version": __version__,
            "test_embedding": checkpoint.test_embedding,
            "settings": dict(checkpoint.settings),
            "data": dict(checkpoint.data),
            "training": training,
        },
    }
    # In memory first: torch tells of a full disk in no way that could be told from other errors.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    with write_whole(path) as partial:
        partial.write_bytes(buffer.getbuffer())


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, ours or the authors'; nothing in the file is executed.

    Raises:
        CheckpointError: the file is missing, damaged, or no checkpoint of these networks.
    """
    file = _checked(_read(path), path)
    architecture = _architecture_of(file.model, path)
    weights = from_authors(file.model)
    _check_weights(architecture, weights, path)
    ours = file.skelgait
    whole = file.optimizer and file.scheduler and ours.training
    return Checkpoint(
        architecture=architecture,
        weights=weights,
        iteration=file.iteration,
        test_embedding=ours.test_embedding,
        training={"optimizer": file.optimizer, "scheduler": file.scheduler, **ours.training} if whole else {},
        settings=ours.settings,
        data=ours.data,
    )


def _read(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(path, "no such file", _EXPECTED, "check the path") from error
    except Exception as error:  # a damaged or hostile file can raise anything
        found = f"a file that cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        raise CheckpointError(path, found, _EXPECTED, "use an earlier checkpoint, or fetch the file anew") from error


def _checked(content: object, path: Path) -> _File:
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise CheckpointError(path, f"a {type(content).__name__} without weights", _EXPECTED, _MEND)
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        problem = error.errors()[0]
        value = "nothing" if problem["type"] == "missing" else shorten(repr(problem["input"]), 60)
        found = f"{value} under {'.'.join(map(str, problem['loc']))}"
        raise CheckpointError(path, found, _EXPECTED, _MEND) from error


def _architecture_of(model: Mapping[str, Tensor], path: Path) -> Architecture:
    plus = "sil_layer0.forward_block.0.weight" in model
    layer1 = "map_layer1" if plus else "layer1"
    first = [f"{layer1}.forward_block.0.conv1.weight", *(f"layer{n}.0.conv1.forward_block.0.weight" for n in (2, 3, 4))]
    try:
        strips, classes = model["BNNecks.fc_bin"].shape[0], model["BNNecks.fc_bin"].shape[2]
        return Architecture(
            name="skeletongait++" if plus else "skeletongait",
            channels=tuple(model[name].shape[0] for name in first),
            blocks=(
                _count(model, rf"{layer1}\.forward_block\.(\d+)\."),
                *(_count(model, rf"layer{n}\.(\d+)\.") for n in (2, 3, 4)),
            ),
            classes=classes,
            embedding_width=model["FCs.fc_bin"].shape[2],
            strips=strips,
        )
    except (KeyError, IndexError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else "a weight has too few dimensions"
        raise CheckpointError(path, f"weights of another network ({reason})", _NETWORKS, _MEND) from error


def _count(model: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for name in model if (match := re.match(pattern, name))})


def _check_weights(architecture: Architecture, weights: Mapping[str, Tensor], path: Path) -> None:
    try:
        with torch.device("meta"):
            expected = _kinds(architecture.build().state_dict())
    except (SettingsError, ZeroDivisionError) as error:  # sizes that no network has
        raise CheckpointError(path, f"weights of another network ({architecture})", _NETWORKS, _MEND) from error
    found = _kinds(weights)
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        theirs = ", ".join(to_authors(dict.fromkeys(wrong[:3])))
        raise CheckpointError(
            path,
            f"{len(wrong)} missing, extra, misshapen or mistyped weights ({theirs})",
            architecture.name,
            _MEND,
        )


def _kinds(weights: Mapping[str, Tensor]) -> dict[str, tuple[object, ...]]:
    return {name: (*weight.shape, weight.is_floating_point()) for name, weight in weights.items()}
