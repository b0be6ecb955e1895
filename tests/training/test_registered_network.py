"""Network that a program adds to the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.checkpoints.describe import describe_checkpoint
from skelgait.errors import CheckpointError
from skelgait.models import NETWORKS, GaitNetwork, SkeletonGait, register_network
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.training import TrainReport, train
from tests.synthetic_data import write_random_maps
from tests.training.test_train import CPU, SMALL

NETWORK = {"name": "toy", "channels": [4, 8, 8, 8], "blocks": [2, 1, 1, 1], "embedding_width": 8}


class ToyLayers(nn.Module):
    """One convolution; `bn1` is also a name in OpenGait checkpoints."""

    def __init__(self, channels: int, n_blocks: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            *(nn.Conv2d(2 if i == 0 else channels, channels, 3, padding=1) for i in range(n_blocks))
        )
        self.bn1 = nn.BatchNorm2d(channels)

    def forward(self, frames: Tensor) -> Tensor:
        out: Tensor = self.bn1(self.convs(frames))
        return out


class ToyNetwork(GaitNetwork):
    """Network with layers 0 and 1 of its own."""

    modalities = ("map",)
    front_layers = ToyLayers


class SameNames(SkeletonGait):
    """Network with the same weight names as SkeletonGait."""


@pytest.fixture(autouse=True)
def toy() -> Iterator[None]:
    register_network("toy", ToyNetwork)
    yield
    del NETWORKS["toy"]


def train_toy(folder: Path, **changes: object) -> TrainReport:
    write_random_maps(folder / "maps")
    source = open_source(folder / "maps", "map")
    settings = TrainSettings.model_validate({**SMALL, "network": NETWORK, "iterations": 3, **changes})
    return train(source, {"000", "001", "002"}, folder / "run", settings, CPU)


def test_training_and_resume(tmp_path: Path) -> None:
    report = train_toy(tmp_path)
    assert train_toy(tmp_path, iterations=4, resume=True).iterations == 4
    checkpoint = load_checkpoint(report.checkpoint)
    assert (checkpoint.architecture.name, checkpoint.architecture.blocks) == ("toy", (2, 1, 1, 1))
    network = checkpoint.network()
    assert isinstance(network, ToyNetwork)
    assert describe_checkpoint(report.checkpoint).weights.is_loadable
    assert describe_checkpoint(report.checkpoint).remarks == ()


def test_initial_weights(tmp_path: Path) -> None:
    first = load_checkpoint(train_toy(tmp_path / "first").checkpoint).weights
    optimizer = {"learning_rate": 1e-9, "milestones": []}
    second = train_toy(
        tmp_path / "second", init=tmp_path / "first/run/checkpoints/checkpoint-000003.pt", optimizer=optimizer
    )
    name = "front.convs.0.weight"
    torch.testing.assert_close(load_checkpoint(second.checkpoint).weights[name], first[name])


def test_checkpoint_names_its_network_if_weight_names_fit_several(tmp_path: Path) -> None:
    register_network("toy", SameNames)
    assert isinstance(load_checkpoint(train_toy(tmp_path).checkpoint).network(), SameNames)


def test_checkpoint_of_unregistered_network_is_refused(tmp_path: Path) -> None:
    report = train_toy(tmp_path)
    del NETWORKS["toy"]
    with pytest.raises(CheckpointError, match=r"found network toy, expected skeletongait or .*register_network"):
        load_checkpoint(report.checkpoint)
    with pytest.raises(ValidationError, match=r"should be 'skeletongait' or 'skeletongait\+\+'"):
        TrainSettings.model_validate({"network": NETWORK})
    register_network("toy", ToyNetwork)
