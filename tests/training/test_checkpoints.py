"""Checkpoints, ours and the authors'."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from skelgait.errors import CheckpointError
from skelgait.models import NETWORKS, to_authors
from skelgait.training import Checkpoint, find_checkpoint, load_checkpoint, save_checkpoint
from skelgait.training.checkpoints import Architecture, checkpoint_path


def architecture(name: str = "skeletongait") -> Architecture:
    return Architecture(name, (16, 8, 8, 8), (1, 2, 1, 1), classes=5, embedding_width=6, strips=16)


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_saved_is_loaded(tmp_path: Path, name: str) -> None:
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


@pytest.mark.parametrize("name", NETWORKS)
def test_the_authors_checkpoints_are_loaded(tmp_path: Path, name: str) -> None:
    weights = to_authors(architecture(name).build().state_dict())
    torch.save({"model": weights, "optimizer": {}, "scheduler": {}, "iteration": 60000}, tmp_path / "a.pt")
    loaded = load_checkpoint(tmp_path / "a.pt")
    assert (loaded.architecture, loaded.iteration) == (architecture(name), 60000)
    assert (loaded.test_embedding, loaded.training) == (None, {})


class _Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_nothing_in_a_checkpoint_is_executed(tmp_path: Path) -> None:
    torch.save({"model": {}, "x": _Exploit(f"touch {tmp_path / 'trace'}")}, tmp_path / "evil.pt")
    with pytest.raises(CheckpointError, match=r"evil\.pt: found a file that cannot be read"):
        load_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "trace").exists()


def test_files_that_are_none_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.pt"
    with pytest.raises(CheckpointError, match=r"c\.pt: found no such file"):
        load_checkpoint(path)
    torch.save([1], path)
    with pytest.raises(CheckpointError, match="a list without weights"):
        load_checkpoint(path)
    torch.save({"model": {"a": torch.zeros(1)}}, path)
    with pytest.raises(CheckpointError, match="weights of another network"):
        load_checkpoint(path)
    weights = to_authors(architecture().build().state_dict())
    weights.pop("layer2.1.sbn.weight")
    torch.save({"model": weights}, path)
    with pytest.raises(CheckpointError, match=r"1 missing, extra or misshapen weights \(layer2\.1\.sbn\.weight\)"):
        load_checkpoint(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(path)


def test_the_newest_checkpoint_is_found(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="found none, expected a checkpoint; train first"):
        find_checkpoint(tmp_path)
    for iteration in (900, 1000000, 20000):
        path = checkpoint_path(tmp_path, iteration)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert find_checkpoint(tmp_path) == checkpoint_path(tmp_path, 1000000)
    assert find_checkpoint(tmp_path, 900) == checkpoint_path(tmp_path, 900)
    with pytest.raises(CheckpointError, match="found checkpoints 900, 20000, 1000000, expected the checkpoint of"):
        find_checkpoint(tmp_path, 5)
