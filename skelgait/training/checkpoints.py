"""Checkpoints: ours, under the authors' names, and the authors' own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skelgait import __version__
from skelgait.errors import CheckpointError
from skelgait.models import GaitNetwork, build_network, from_authors, to_authors
from skelgait.storage.atomic import write_whole

_EXPECTED = "a checkpoint of skelgait or of the authors' pipeline"


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
        training: states of optimiser, schedule and loss scaling, and the batches drawn; empty in foreign files.
        settings: the settings it was trained with; empty in foreign files.
    """

    architecture: Architecture
    weights: Mapping[str, Tensor]
    iteration: int
    test_embedding: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def network(self) -> GaitNetwork:
        """The trained network, on the CPU, in eval mode."""
        network = self.architecture.build()
        network.load_state_dict(dict(self.weights))
        return network.eval()


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
            "training": training,
        },
    }
    with write_whole(path) as temporary:
        torch.save(content, temporary)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint, ours or the authors'; nothing in the file is executed.

    Raises:
        CheckpointError: the file is missing, damaged, or no checkpoint of these networks.
    """
    content = _read(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise CheckpointError(path, f"a {type(content).__name__} without weights", _EXPECTED, "choose another file")
    ours = content.get("skelgait", {})
    architecture = _architecture_of(content["model"], path)
    weights = from_authors(content["model"])
    _check_names(architecture, weights, path)
    return Checkpoint(
        architecture=architecture,
        weights=weights,
        iteration=int(content.get("iteration", 0)),
        test_embedding=ours.get("test_embedding"),
        training={"optimizer": content.get("optimizer"), "scheduler": content.get("scheduler"), **ours["training"]}
        if ours
        else {},
        settings=ours.get("settings", {}),
    )


def checkpoint_path(run: Path, iteration: int) -> Path:
    """Where the checkpoint of an iteration lies in the folder of a run."""
    return run / "checkpoints" / f"checkpoint-{iteration:06d}.pt"


def find_checkpoint(run: Path, iteration: int | None = None) -> Path:
    """The checkpoint of an iteration in the folder of a run; the newest where None.

    Raises:
        CheckpointError: there is none.
    """
    there = sorted((run / "checkpoints").glob("checkpoint-*.pt"), key=lambda path: int(path.stem.split("-")[1]))
    wanted = [path for path in there if iteration is None or path == checkpoint_path(run, iteration)]
    if not wanted:
        found = f"checkpoints {', '.join(path.stem.split('-')[1].lstrip('0') for path in there)}" if there else "none"
        expected = "a checkpoint" if iteration is None else f"the checkpoint of iteration {iteration}"
        raise CheckpointError(run, found, expected, "train first, or name another run with --run-name")
    return wanted[-1]


def _read(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CheckpointError(path, "no such file", _EXPECTED, "check the path") from error
    except Exception as error:  # a damaged or hostile file can raise anything
        found = f"a file that cannot be read ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        raise CheckpointError(path, found, _EXPECTED, "use an earlier checkpoint, or fetch the file anew") from error


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
    except (KeyError, IndexError, AttributeError) as error:
        found = f"weights of another network (there is no {error})"
        raise CheckpointError(path, found, "SkeletonGait or SkeletonGait++", "choose another file") from error


def _count(model: Mapping[str, Tensor], pattern: str) -> int:
    return len({match[1] for name in model if (match := re.match(pattern, name))})


def _check_names(architecture: Architecture, weights: Mapping[str, Tensor], path: Path) -> None:
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in architecture.build().state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    if found != expected:
        wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
        theirs = ", ".join(to_authors(dict.fromkeys(wrong[:3])))
        raise CheckpointError(
            path,
            f"{len(wrong)} missing, extra or misshapen weights ({theirs})",
            architecture.name,
            "choose another file",
        )
