"""Initial weights from checkpoints."""

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
from tests.checkpoints.checkpoint_files import (
    CCPG,
    CLASSIFIER,
    FCS,
    SMALL,
    SMALL_PLUS,
    weights_of,
    write_opengait,
    zeros,
)

CLASS_WEIGHT = "neck.class_weight"


@pytest.mark.parametrize("is_opengait", [False, True])
@pytest.mark.parametrize("architecture", [SMALL, SMALL_PLUS])
def test_same_classes_keep_all_weights(tmp_path: Path, architecture: Architecture, is_opengait: bool) -> None:
    trained = architecture.build().state_dict()
    if is_opengait:
        write_opengait(tmp_path / "c.pt", to_opengait(trained))
    else:
        save_checkpoint(tmp_path / "c.pt", Checkpoint(architecture, trained, 7))
    weights, dropped, _ = initial_weights(tmp_path / "c.pt", architecture)
    assert dropped == ()
    assert list(weights) == list(trained)
    assert all(torch.equal(weights[name], trained[name]) for name in trained)


def test_other_classes_drop_the_classifier(tmp_path: Path) -> None:
    trained = SMALL.build().state_dict()
    path = write_opengait(tmp_path / "c.pt", to_opengait(trained))
    weights, dropped, _ = initial_weights(path, replace(SMALL, classes=9))
    assert dropped == (CLASS_WEIGHT,)
    network = replace(SMALL, classes=9).build()
    fresh = network.state_dict()[CLASS_WEIGHT].clone()
    network.load_state_dict(dict(weights), strict=False)
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, fresh if name == CLASS_WEIGHT else trained[name])


@pytest.mark.parametrize("wrapped", ["", "module."])
def test_missing_classifier_keeps_random_weights(tmp_path: Path, wrapped: str) -> None:
    weights = weights_of(SMALL)
    del weights[CLASSIFIER]
    torch.save({wrapped + name: weight for name, weight in weights.items()}, tmp_path / "c.pt")
    found, dropped, _ = initial_weights(tmp_path / "c.pt", SMALL)
    assert dropped == (CLASS_WEIGHT,)
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
def test_other_architecture_is_an_error_with_settings_to_change(
    tmp_path: Path, wanted: Architecture, settings: str
) -> None:
    path = write_opengait(tmp_path / "c.pt", weights_of(SMALL))
    message = rf"c\.pt: found Architecture\(.*classes=5.*, expected Architecture\(.*; set {settings} as in the"
    with pytest.raises(CheckpointError, match=message) as error:
        initial_weights(path, wanted)
    assert repr(SMALL) in str(error.value)
    assert repr(wanted) in str(error.value)


@pytest.mark.parametrize(
    ("found", "wanted", "presets"),
    [
        (CCPG, replace(CCPG, channels=(32, 64, 128, 256)), "skeletongait_CCPG or skeletongait_"),
        (CCPG, replace(CCPG, name="skeletongait++"), "skeletongait_CCPG or skeletongait_"),
        (replace(CCPG, name="skeletongait++"), CCPG, r"skeletongait\+\+_CCPG or skeletongait\+\+_"),
    ],
)
def test_error_names_the_presets_that_fit(
    tmp_path: Path, found: Architecture, wanted: Architecture, presets: str
) -> None:
    path = write_opengait(tmp_path / "c.pt", weights_of(found))
    message = rf"; pass --preset {presets}.*, which fits the checkpoint; or set train\.network\."
    with pytest.raises(CheckpointError, match=message):
        initial_weights(path, wanted)


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
def test_mismatched_weights_are_an_error(tmp_path: Path, changed: dict[str, Tensor], found: str) -> None:
    path = write_opengait(tmp_path / "c.pt", {**weights_of(SMALL), **changed})
    message = rf"with 1 missing, .* weights \({found}\), expected Architecture.*; choose another file; see `skelgait"
    with pytest.raises(CheckpointError, match=message):
        initial_weights(path, SMALL)


def test_file_that_is_no_checkpoint_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such file"):
        initial_weights(tmp_path / "c.pt", SMALL)
    torch.save({"a": zeros(1)}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="weights of another network"):
        initial_weights(tmp_path / "c.pt", SMALL)
