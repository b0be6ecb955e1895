"""Checkpoints of skelgait and OpenGait."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint, load_checkpoint, save_checkpoint
from skelgait.checkpoints.file import read_checkpoint_file
from skelgait.checkpoints.folder import checkpoint_path, find_checkpoint
from skelgait.errors import CheckpointError, DataError
from skelgait.models import NETWORKS
from skelgait.opengait.weights import to_opengait
from tests.full_disk import full_disk
from tests.storage.pickle_attacks import NUMPY, pickled, text


def architecture(name: str = "skeletongait") -> Architecture:
    return Architecture(name, (16, 8, 8, 8), (1, 2, 1, 1), classes=5, embedding_width=6, strips=16)


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_checkpoint_is_loaded_unchanged(tmp_path: Path, name: str) -> None:
    network = architecture(name).build()
    training = {"optimizer": {"state": {}}, "scheduler": {"x": 1}, "scaler": {}, "drawn": 8}
    saved = Checkpoint(architecture(name), network.state_dict(), 7, 2, training, {"seed": 1})
    save_checkpoint(tmp_path / "c.pt", saved)
    loaded = load_checkpoint(tmp_path / "c.pt")
    assert loaded.architecture == architecture(name)
    assert (loaded.iteration, loaded.test_embedding, loaded.settings) == (7, 2, {"seed": 1})
    assert loaded.training == training
    for key, value in network.state_dict().items():
        assert (loaded.network().state_dict()[key] == value).all()
    assert not loaded.network().training


def test_full_disk_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    saved = Checkpoint(architecture(), architecture().build().state_dict(), 7)
    message = r"c\.pt: found File too large, expected a file that can be written"
    with full_disk(10_000), pytest.raises(DataError, match=message):
        save_checkpoint(tmp_path / "c.pt", saved)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", NETWORKS)
def test_opengait_checkpoint_is_loaded(tmp_path: Path, name: str) -> None:
    weights = to_opengait(architecture(name).build().state_dict())
    torch.save({"model": weights, "optimizer": {}, "scheduler": {}, "iteration": 60000}, tmp_path / "a.pt")
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert (loaded.architecture, loaded.iteration) == (architecture(name), 60000)
    assert (loaded.test_embedding, loaded.training) == (None, {})


class _Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_code_in_a_checkpoint_is_not_executed(tmp_path: Path) -> None:
    torch.save({"model": {}, "x": _Exploit(f"touch {tmp_path / 'trace'}")}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match=r"evil\.pt: found a file that cannot be read"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "trace").exists()


def test_file_that_is_no_checkpoint_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    with pytest.raises(CheckpointError, match=r"c\.pt: found no such file"):
        load_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(CheckpointError, match="a list without weights"):
        load_checkpoint(path)
    torch.save({"model": {"a": torch.zeros(1)}}, path)
    with pytest.raises(CheckpointError, match="weights of another network"):
        load_checkpoint(path)
    weights = to_opengait(architecture().build().state_dict())
    weights.pop("layer2.1.sbn.weight")
    torch.save({"model": weights}, path)
    with pytest.raises(CheckpointError, match=r"1 missing, unexpected or .* weights \(layer2\.1\.sbn\.weight\)"):
        load_checkpoint(path)
    path.write_bytes(b"junk")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(path)


@pytest.mark.parametrize("is_zip", [True, False])  # False: as torch before 1.6 wrote it
@pytest.mark.parametrize("share", [0, 0.02, 0.5, 0.999])
def test_truncated_checkpoint_is_named_as_such(tmp_path: Path, is_zip: bool, share: float) -> None:
    path = tmp_path / "c.pt"
    torch.save({"model": {"a": torch.zeros(9000)}}, path, _use_new_zipfile_serialization=is_zip)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    found = f"a truncated file: it ends after {int(share * len(content))} bytes" if share else "an empty file"
    with pytest.raises(CheckpointError, match=rf"c\.pt: found {found}, .*; use an earlier checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_is_never_called_with_what_a_checkpoint_says(tmp_path: Path, name: str) -> None:
    torch.save({"model": {"weight": torch.zeros(1)}}, tmp_path / "plain.pt")
    attack = pickled(b"}" + text("model") + NUMPY[name][0] + b"s", protocol=2)
    with ZipFile(tmp_path / "plain.pt") as plain, ZipFile(tmp_path / "a.pt", "w") as archive:
        for item in plain.namelist():
            archive.writestr(item, attack if item.endswith("data.pkl") else plain.read(item))
    with pytest.raises(CheckpointError, match=r"a\.pt: found"):
        read_checkpoint_file(tmp_path / "a.pt")


def test_numpy_scalars_and_arrays_in_a_checkpoint_are_read(tmp_path: Path) -> None:
    path, weights = tmp_path / "c.pt", to_opengait(architecture().build().state_dict())
    optimizer = {"state": {0: np.float32(0.5)}, "param_groups": [{"lr": np.float64(0.1), "betas": (np.int64(1), True)}]}
    scheduler = {"last_epoch": np.int64(7), "rates": np.arange(3)}
    torch.save({"model": weights, "optimizer": optimizer, "scheduler": scheduler, "iteration": np.int64(700)}, path)
    # As numpy 1 names its core.
    numpy_1 = tmp_path / "numpy_1.pt"
    with ZipFile(path) as old, ZipFile(numpy_1, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"cnumpy._core.", b"cnumpy.core."))
    for file in (path, numpy_1):
        content = read_checkpoint_file(file)
        assert content.iteration == 700
        assert content.optimizer == {"state": {0: 0.5}, "param_groups": [{"lr": 0.1, "betas": (1, True)}]}
        assert type(content.optimizer["param_groups"][0]["lr"]) is float
        assert content.scheduler["rates"].tolist() == [0, 1, 2]
        assert load_checkpoint(file).iteration == 700


WEIGHTS = to_opengait(architecture().build().state_dict())
FC, NECK, CONV = "FCs.fc_bin", "BNNecks.fc_bin", "layer2.0.conv1.forward_block.0.weight"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"iteration": "seven"}, "'seven' under iteration"),
        ({"iteration": torch.zeros(2, 2)}, r"tensor\(\[\[0., 0.\], .* under iteration"),
        ({"iteration": -1}, "-1 under iteration"),
        ({"optimizer": 3}, "3 under optimizer"),
        ({"skelgait": None}, "None under skelgait"),
        ({"skelgait": []}, r"\[\] under skelgait"),
        ({"skelgait": {}}, r"nothing under skelgait\.training"),
        ({"skelgait": {"training": [1]}}, r"\[1\] under skelgait\.training"),
        ({"skelgait": {"training": {}, "test_embedding": 7}}, r"7 under skelgait\.test_embedding"),
        ({"model": {**WEIGHTS, FC: 1.5}}, r"1\.5 under model\.FCs\.fc_bin"),
        ({"model": {**WEIGHTS, 3: torch.zeros(1)}}, r"3 under model\.3"),
        ({"model": {**WEIGHTS, FC: WEIGHTS[FC].int()}}, r"1 missing, .* weights \(FCs\.fc_bin\)"),
        ({"model": {**WEIGHTS, CONV: torch.tensor(1.0)}}, rf"1 missing, .* weights \({CONV}\)"),
        ({"model": {**WEIGHTS, NECK: torch.zeros(5, 6, 5)}}, rf"1 missing, .* weights \({NECK}\)"),
        ({"model": {**WEIGHTS, NECK: torch.zeros(16, 6, 0)}}, rf"1 missing, .* weights \({NECK}\)"),
    ],
)
def test_invalid_entry_is_an_error(tmp_path: Path, content: dict[str, Any], found: str) -> None:
    torch.save({"model": WEIGHTS, **content}, tmp_path / "c.pt")
    with pytest.raises(CheckpointError, match=rf"c\.pt: found .*{found}.*, expected .*; choose another file") as error:
        load_checkpoint(tmp_path / "c.pt")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("states", [{}, {"optimizer": {"state": {}}, "drawn": 8}])
def test_incomplete_training_state_is_ignored(tmp_path: Path, states: dict[str, object]) -> None:
    save_checkpoint(tmp_path / "c.pt", Checkpoint(architecture(), architecture().build().state_dict(), 7, 2, states))
    assert load_checkpoint(tmp_path / "c.pt").training == {}


def test_newest_checkpoint_is_found(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found no checkpoint, expected a checkpoint; train first"):
        find_checkpoint(tmp_path)
    for iteration in (900, 1000000, 20000):
        path = checkpoint_path(tmp_path, iteration)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    path.with_name("checkpoint-best.pt").touch()
    assert find_checkpoint(tmp_path) == checkpoint_path(tmp_path, 1000000)
    assert find_checkpoint(tmp_path, 900) == checkpoint_path(tmp_path, 900)
    with pytest.raises(CheckpointError, match="found checkpoints 900, 20000, 1000000, expected the checkpoint of"):
        find_checkpoint(tmp_path, 5)
