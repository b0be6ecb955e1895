"""Descriptions of checkpoints."""

from __future__ import annotations

import argparse
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from skelgait import __version__
from skelgait.checkpoints.architecture import Architecture, Sizes, infer_sizes
from skelgait.checkpoints.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from skelgait.checkpoints.describe import WeightsReport, describe_checkpoint, describe_weights
from skelgait.checkpoints.mismatch import WeightMismatches, find_mismatches
from skelgait.errors import CheckpointError
from skelgait.opengait.weights import from_opengait
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
from tests.models.opengait_numbers import OPENGAIT_WEIGHTS, PRESETS

FILE = Path("c.pt")
FIRST, SECOND = "layer2.1.sbn.weight", "layer2.1.sbn.num_batches_tracked"


def describe(weights: dict[str, Tensor]) -> WeightsReport:
    return describe_weights(weights, FILE)


def mismatches_of(weights: dict[str, Tensor]) -> tuple[Sizes, WeightMismatches]:
    sizes = infer_sizes(weights)
    return sizes, find_mismatches(weights, sizes.architecture, any_classes="classes" in sizes.unknown)


def without(weights: dict[str, Tensor], *beginnings: str) -> dict[str, Tensor]:
    return {name: weight for name, weight in weights.items() if not name.startswith(beginnings)}


@pytest.mark.parametrize("preset", PRESETS)
def test_opengait_network_matches_only_its_preset(preset: str) -> None:
    described = OPENGAIT_WEIGHTS[preset]
    report = describe({name: zeros(*shape) for name, shape, _, _ in described})
    assert report.is_loadable
    assert report.unknown_sizes == ()
    assert [fit.preset for fit in report.presets if fit.is_exact] == [preset]
    assert report.mismatches.n_present == len(described)


@pytest.mark.parametrize("architecture", [SMALL, SMALL_PLUS, CCPG])
def test_architecture_and_parameter_count_are_inferred(architecture: Architecture) -> None:
    report = describe(weights_of(architecture))
    assert report.architecture == architecture
    assert report.parameters == sum(weight.numel() for weight in architecture.build_on_meta().parameters())
    assert report.is_loadable


def test_weights_of_another_network_are_an_error() -> None:
    assert infer_sizes({}).unknown == {"channels", "blocks", "classes", "embedding_width", "strips"}
    for weights in ({}, {"layer1.0.conv1.weight": zeros(64, 64, 3, 3)}, {"a": zeros(0)}):
        with pytest.raises(CheckpointError, match=r"c\.pt: found weights of another network \(0 of the \d+ weights"):
            describe(weights)


def test_each_missing_weight_is_reported_with_its_shape() -> None:
    whole = weights_of(SMALL)
    for name, weight in whole.items():
        sizes, mismatches = mismatches_of(without(whole, name))
        assert mismatches.missing == {name: tuple(weight.shape) if name != CLASSIFIER else (8, 6, None)}
        assert mismatches.names() == [name]
        assert sizes.architecture == replace(SMALL, classes=1 if name == CLASSIFIER else 5)
        assert sizes.unknown == ({"classes"} if name == CLASSIFIER else set())


def test_each_weight_of_wrong_shape_is_reported() -> None:
    whole = weights_of(SMALL)
    for name, weight in whole.items():
        sizes, mismatches = mismatches_of({**whole, name: zeros(3, 5)})
        expected = tuple(weight.shape) if name != CLASSIFIER else (8, 6, None)
        assert mismatches.wrong_shape == {name: ((3, 5), expected)}
        assert mismatches.names() == [name]
        assert replace(sizes.architecture, classes=5) == SMALL


def test_first_weight_decides_between_equally_frequent_sizes() -> None:
    assert infer_sizes({**weights_of(SMALL), CLASSIFIER: zeros(4, 6, 5)}).architecture == SMALL


@pytest.mark.parametrize(
    ("changed", "kind", "expected"),
    [
        ({}, "unexpected", {}),
        ({"teacher.weight": zeros(2, 3)}, "unexpected", {"teacher.weight": (2, 3)}),
        ({"fusion.x": zeros(2)}, "unexpected", {"fusion.x": (2,)}),  # name of SkeletonGait++
        ({"layer2.900.sbn.weight": zeros(8)}, "unexpected", {"layer2.900.sbn.weight": (8,)}),  # not 901 blocks
        ({FIRST: zeros(8).int()}, "wrong_dtype", {FIRST: ("int32", "a floating point type")}),
        ({SECOND: torch.tensor(1.0)}, "wrong_dtype", {SECOND: ("float32", "integers")}),
        ({FCS: zeros(8, 21, 6)}, "wrong_shape", {FCS: ((8, 21, 6), (8, 20, 6))}),
        ({CLASSIFIER: zeros(8, 7, 5)}, "wrong_shape", {CLASSIFIER: ((8, 7, 5), (8, 6, 5))}),
        ({CLASSIFIER: zeros(8, 6, 0)}, "wrong_shape", {CLASSIFIER: ((8, 6, 0), (8, 6, None))}),
        ({CLASSIFIER: zeros(8, 6, 2**40)}, "wrong_shape", {CLASSIFIER: ((8, 6, 2**40), (8, 6, None))}),
    ],
)
def test_changed_weight_is_reported(changed: dict[str, Tensor], kind: str, expected: dict[str, Any]) -> None:
    report = describe({**weights_of(SMALL), **changed})
    assert getattr(report.mismatches, kind) == expected
    assert report.mismatches.names() == sorted(expected)


def test_missing_block_in_the_middle_is_reported() -> None:
    report = describe(without(weights_of(SMALL), "layer3.1."))
    assert report.architecture == SMALL
    assert {name[:9] for name in report.mismatches.names()} == {"layer3.1."}


def test_missing_head_has_default_sizes() -> None:
    report = describe(without(weights_of(SMALL), "FCs", "BNNecks"))
    assert report.architecture == replace(SMALL, embedding_width=256, strips=16, classes=1)
    assert report.unknown_sizes == ("classes", "embedding_width", "strips")
    assert report.mismatches.missing[CLASSIFIER] == (16, 256, None)
    assert report.mismatches.missing[FCS] == (16, 20, 256)


@pytest.mark.parametrize(
    ("architecture", "fits", "near"),
    [
        (SMALL, [], []),
        (CCPG, ["skeletongait_CCPG"], ["skeletongait_OUMVLP", "skeletongait_SUSTech1K"]),
        (replace(CCPG, classes=74), [], ["skeletongait_CCPG", "skeletongait_OUMVLP", "skeletongait_SUSTech1K"]),
        (replace(CCPG, embedding_width=128), [], []),
        (replace(CCPG, strips=8), [], []),
        (replace(CCPG, blocks=(1, 4, 4, 1), classes=20000), ["skeletongait_GREW"], ["skeletongait_Gait3D"]),
        # Presets for any data accept any number of classes.
        (replace(CCPG, channels=(16, 32, 64, 128), classes=9), ["skeletongait_demo", "skeletongait_tiny"], []),
    ],
)
def test_presets_match_architecture_and_classes(architecture: Architecture, fits: list[str], near: list[str]) -> None:
    presets = describe(weights_of(architecture)).presets
    assert [fit.preset for fit in presets if fit.is_exact] == fits
    assert [fit.preset for fit in presets if not fit.is_exact] == near


def test_skelgait_checkpoint_is_described(tmp_path: Path) -> None:
    training = {"optimizer": {"state": {}}, "scheduler": {"x": 1}, "scaler": {"scale": 2.0}, "drawn": 8}
    settings = {"seed": 1, "precision": "bf16", "compile": False}
    data = {"dataset": "CASIA-B", "sequences": 12, "odd": {(1, 2): torch.zeros(1)}}
    weights = from_opengait(weights_of(SMALL))
    save_checkpoint(tmp_path / "c.pt", Checkpoint(SMALL, weights, 7, 2, training, settings, data))
    report = describe_checkpoint(tmp_path / "c.pt")
    assert (report.kind, report.iteration, report.test_embedding, report.version) == ("skelgait", 7, 2, __version__)
    assert report.states == ("optimizer", "scheduler", "loss scaling")
    assert report.resumable
    assert report.settings == {"precision": "bf16", "seed": 1}
    assert report.data == {"dataset": "CASIA-B", "sequences": 12, "odd": "a dict"}
    assert report.size_bytes == (tmp_path / "c.pt").stat().st_size
    assert report.remarks == ()
    assert report.next_command.endswith("c.pt --dataset CASIA-B --network skeletongait")


def test_opengait_checkpoint_is_described(tmp_path: Path) -> None:
    report = describe_checkpoint(write_opengait(tmp_path / "a.pt", weights_of(CCPG)))
    assert (report.kind, report.iteration, report.version) == ("opengait", 7, None)
    assert report.test_embedding == 2  # from the preset for CCPG
    assert report.states == ("optimizer", "scheduler")
    assert not report.resumable
    assert report.next_command.endswith("a.pt --dataset CCPG --network skeletongait")


WEIGHTS = weights_of(SMALL)


@pytest.mark.parametrize(
    ("content", "remarks"),
    [
        (OrderedDict(WEIGHTS), ["a bare state dict"]),
        ({"model": {f"module.{name}": weight for name, weight in WEIGHTS.items()}}, ["prefix module. of all names"]),
        ({"state_dict": WEIGHTS, "epoch": 3, "iteration": "x"}, ["weights under the key state_dict"]),
        (
            {"state_dict": {f"model._orig_mod.{name}": weight for name, weight in WEIGHTS.items()}},
            ["weights under the key state_dict", "prefix model. of all names", "which torch.compile adds"],
        ),
        (from_opengait(WEIGHTS), ["a bare state dict", "weight names of skelgait's Python classes"]),
    ],
)
def test_other_weight_files_are_described_and_loaded(tmp_path: Path, content: object, remarks: list[str]) -> None:
    torch.save(content, tmp_path / "c.pt")
    report = describe_checkpoint(tmp_path / "c.pt")
    assert (report.kind, report.iteration, report.weights.architecture) == ("weights", None, SMALL)
    assert report.weights.is_loadable
    assert len(report.remarks) == len(remarks)
    assert all(part in remark for part, remark in zip(remarks, report.remarks, strict=True))
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert (loaded.architecture, loaded.iteration, loaded.training) == (SMALL, 0, {})
    assert list(loaded.network().state_dict()) == list(loaded.weights)


def test_prefix_of_some_names_is_not_removed(tmp_path: Path) -> None:
    weights = {f"module.{name}" if i else name: weight for i, (name, weight) in enumerate(WEIGHTS.items())}
    torch.save(weights, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match="another network"):
        load_checkpoint(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({}, "a dict without weights"),
        (zeros(3), "a Tensor without weights"),
        ({"state_dict": {}}, "a dict without weights"),
        ({"state_dict": {"a": 1}}, "a dict without weights"),
        ({"epoch": 3}, "a dict without weights"),
        ({3: zeros(1)}, "a dict without weights"),
        ({"model": {}}, r"weights of another network \(0 of"),
        ({"model": WEIGHTS, "iteration": "seven"}, "'seven' under iteration"),
        (
            {"model": {**WEIGHTS, FIRST: zeros(8).to("meta")}},
            r"rebuild_meta_tensor_no_storage; save plain tensors",
        ),
        ({"model": {**WEIGHTS, FIRST: torch.eye(8).to_sparse()}}, r"torch\.[\w.]+; save plain tensors"),
        ({"model": {**WEIGHTS, "\x1b[2J\n": 3}}, r"3 under model\.\\x1b\[2J\\n"),
        (
            {"state_dict": WEIGHTS, "x": argparse.Namespace(a=1)},
            r"cannot be read \(it contains code: argparse",
        ),
    ],
)
def test_file_without_weights_is_an_error_in_one_line(tmp_path: Path, content: object, found: str) -> None:
    torch.save(content, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=rf"c\.pt: found .*{found}.*, expected ") as error:
        describe_checkpoint(tmp_path / "c.pt")
    assert "\n" not in str(error.value)
