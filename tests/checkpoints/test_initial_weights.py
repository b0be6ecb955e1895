"""Weights to begin with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import Checkpoint, save_checkpoint
from skelgait.checkpoints.initial_weights import initial_weights
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import from_opengait, to_opengait
from tests.checkpoints.checkpoint_files import CLASSIFIER, FCS, SMALL, SMALL_PLUS, weights_of, write_authors, zeros

OURS = "neck.class_weight"


@pytest.mark.parametrize("is_opengait", [False, True])
@pytest.mark.parametrize("architecture", [SMALL, SMALL_PLUS])
def test_as_many_classes(tmp_path: Path, architecture: Architecture, opengait: bool) -> None:
    trained = architecture.build().state_dict()
    if opengait:
        write_authors(tmp_path / "c.pt", to_opengait(trained))
    else:
        save_checkpoint(tmp_path / "c.pt", Checkpoint(architecture, trained, 7))
    weights, dropped = initial_weights(tmp_path / "c.pt", architecture)
    assert dropped == ()
    assert list(weights) == list(trained)
    assert all(torch.equal(weights[name], trained[name]) for name in trained)


def test_other_classes_begin_afresh(tmp_path: Path) -> None:
    trained = SMALL.build().state_dict()
    path = write_authors(tmp_path / "c.pt", to_opengait(trained))
    weights, dropped = initial_weights(path, replace(SMALL, classes=9))
    assert dropped == (OURS,)
    network = replace(SMALL, classes=9).build()
    fresh = network.state_dict()[OURS].clone()
    network.load_state_dict(dict(weights), strict=False)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, fresh if name == OURS else trained[name])


@pytest.mark.parametrize("wrapped", ["", "module."])
def test_a_classifier_that_is_not_there_begins_afresh(tmp_path: Path, wrapped: str) -> None:
    weights = weights_of(SMALL)
    del weights[CLASSIFIER]
    torch.save({wrapped + name: weight for name, weight in weights.items()}, tmp_path / "c.pt")
    found, dropped = initial_weights(tmp_path / "c.pt", SMALL)
    assert dropped == (OURS,)
    assert set(found) == set(from_opengait(weights))


@pytest.mark.parametrize(
    ("wanted", "settings"),
    [
        (replace(SMALL, strips=16), "train.network.strips=8"),
        (replace(SMALL, embedding_width=7), "train.network.embedding_width=6"),
        (replace(SMALL, channels=(16, 8, 12, 24)), r"train.network.channels=\[16,8,12,20\]"),
        (replace(SMALL, blocks=(1, 1, 3, 1), classes=9, strips=1), r"train.network.blocks=\[1,2,3,1\], .*strips=8"),
        (replace(SMALL, name="skeletongait++"), "train.network.name=skeletongait"),
    ],
)
def test_another_architecture_is_refused_with_the_settings_to_change(
    tmp_path: Path, wanted: Architecture, settings: str
) -> None:
    path = write_authors(tmp_path / "c.pt", weights_of(SMALL))
    message = rf"c\.pt: found Architecture\(.*classes=5.*, expected Architecture\(.*; set {settings} as the checkpoint"
    with pytest.raises(CheckpointError, match=message) as error:
        initial_weights(path, wanted)
    assert repr(SMALL) in str(error.value)
    assert repr(wanted) in str(error.value)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({CLASSIFIER: zeros(8, 7, 5)}, CLASSIFIER),
        ({CLASSIFIER: zeros(8, 6, 5).int()}, CLASSIFIER),
        ({CLASSIFIER: zeros(8, 6, 0)}, CLASSIFIER),
        ({"x": zeros(1)}, "x"),
        ({"layer4.0.sbn.weight": zeros(19)}, "layer4.0.sbn.weight"),
        ({FCS: zeros(8, 20, 6).int()}, FCS),
    ],
)
def test_weights_that_are_not_whole_are_refused(tmp_path: Path, changed: dict[str, Tensor], found: str) -> None:
    path = write_authors(tmp_path / "c.pt", {**weights_of(SMALL), **changed})
    message = rf"with 1 missing, .* weights \({found}\), expected Architecture.*; choose another file; see `skelgait"
    with pytest.raises(CheckpointError, match=message):
        initial_weights(path, SMALL)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        initial_weights(tmp_path / "c.pt", SMALL)
    torch.save({"a": zeros(1)}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="weights of another network"):
        initial_weights(tmp_path / "c.pt", SMALL)
