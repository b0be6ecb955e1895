"""Exported weights: safetensors that every command takes, and checkpoints for OpenGait."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from skelgait import Embedder
from skelgait.checkpoints.checkpoint import load_checkpoint, save_checkpoint
from skelgait.checkpoints.describe import describe_checkpoint
from skelgait.checkpoints.hub import file_sha256
from skelgait.checkpoints.initial_weights import initial_weights
from skelgait.errors import CheckpointError, DataError
from skelgait.opengait.weights import to_opengait
from skelgait.pipelines.export import SUFFIXES, export_checkpoint
from skelgait.pipelines.open_network import open_network
from skelgait.settings.exporting import ExportFormat
from tests.cli.test_cli import call
from tests.export.networks import DATA, write_checkpoint

NETWORKS = ["skeletongait", "skeletongait++"]


def equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> bool:
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_safetensors_is_the_same_checkpoint_without_the_state_of_its_training(tmp_path: Path, name: str) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", name)
    report = export_checkpoint(tmp_path / "net.pt", "safetensors")
    assert report.path == tmp_path / "net.safetensors"
    loaded = load_checkpoint(report.path)
    assert (loaded.architecture, loaded.iteration, loaded.test_embedding) == (saved.architecture, 400, 2)
    assert equal(loaded.weights, saved.weights)
    assert loaded.data == {key: value for key, value in DATA.items() if key != "path"}
    assert loaded.settings == {"seed": 3}
    assert not loaded.training
    described = describe_checkpoint(report.path)
    assert (described.kind, described.resumable, described.version) == ("skelgait", False, "0.1.0")


def test_safetensors_holds_the_names_of_opengait(tmp_path: Path) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", "skeletongait")
    export_checkpoint(tmp_path / "net.pt", "safetensors")
    assert equal(safetensors.torch.load_file(tmp_path / "net.safetensors"), to_opengait(saved.weights))


def test_every_use_of_a_checkpoint_takes_safetensors(tmp_path: Path) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", "skeletongait")
    path = export_checkpoint(tmp_path / "net.pt", "safetensors", tmp_path / "weights").path
    maps = torch.randint(0, 256, (4, 2, 64, 64), dtype=torch.uint8)
    assert np.array_equal(Embedder(path)(maps), Embedder(tmp_path / "net.pt")(maps))
    assert equal(initial_weights(path, saved.architecture).weights, saved.weights)
    assert call("checkpoint", path)[0] == 0
    assert equal(
        load_checkpoint(export_checkpoint(path, "opengait", tmp_path / "again.pt").path).weights, saved.weights
    )


def test_safetensors_of_other_programs_are_recognized(tmp_path: Path) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", "skeletongait++")
    safetensors.torch.save_file(to_opengait(saved.weights), tmp_path / "other.safetensors", {"format": "pt"})
    loaded = load_checkpoint(tmp_path / "other.safetensors")
    assert (loaded.architecture, loaded.iteration, loaded.data) == (saved.architecture, 0, {})
    assert describe_checkpoint(tmp_path / "other.safetensors").kind == "weights"


def header(content: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


HALF = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
ATTACKS = {
    "a header longer than the file": header({}, length=2**40),
    "a header of the largest length": header({}, length=2**64 - 1),
    "weights that overlap": header({"a": HALF, "b": HALF}, bytes(8)),
    "weights past the end": header({"a": {**HALF, "data_offsets": [0, 2**40]}}, bytes(8)),
    "a shape larger than its data": header({"a": {**HALF, "shape": [2**40]}}, bytes(8)),
    "a negative shape": header({"a": {**HALF, "shape": [-2]}}, bytes(8)),
    "an unknown type": header({"a": {**HALF, "dtype": "F31"}}, bytes(8)),
    "a list": header([1]),
    "no JSON": struct.pack("<Q", 2) + b"{{",
    "facts that are no JSON": header({"__metadata__": {"skelgait": "{"}, "a": HALF}, bytes(8)),
    "facts that are a list": header({"__metadata__": {"skelgait": "[1]"}, "a": HALF}, bytes(8)),
    "facts of the wrong type": header({"__metadata__": {"skelgait": '{"iteration": "x"}'}, "a": HALF}, bytes(8)),
    "facts nested too deeply": header({"__metadata__": {"skelgait": "[" * 10**5}, "a": HALF}, bytes(8)),
    "no weights": header({}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_safetensors_are_refused(tmp_path: Path, attack: str) -> None:
    (tmp_path / "a.safetensors").write_bytes(ATTACKS[attack])
    with pytest.raises(CheckpointError, match=r"a\.safetensors: found "):
        load_checkpoint(tmp_path / "a.safetensors")


def test_cut_safetensors_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    path = export_checkpoint(tmp_path / "net.pt", "safetensors").path
    content = path.read_bytes()
    for length in (9, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match="found"):
            load_checkpoint(path)


@pytest.mark.parametrize("name", NETWORKS)
def test_checkpoint_for_opengait_has_what_its_loader_reads(tmp_path: Path, name: str) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", name)
    path = export_checkpoint(tmp_path / "net.pt", "opengait").path
    content = torch.load(path, weights_only=True)
    # Its loader takes `model`, and starts optimizer and scheduler anew if these entries are missing.
    assert content.keys() == {"model", "iteration"}
    assert content["iteration"] == 400
    assert equal(content["model"], to_opengait(saved.weights))
    assert {"FCs.fc_bin", "BNNecks.fc_bin", "BNNecks.bn1d.running_mean"} <= content["model"].keys()
    assert load_checkpoint(path).architecture == saved.architecture


def test_exports_keep_the_sha256_of_the_checkpoint(tmp_path: Path) -> None:
    """So that a gallery takes each of them with the embeddings of the others."""
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    expected = file_sha256(tmp_path / "net.pt")
    first = export_checkpoint(tmp_path / "net.pt", "safetensors").path
    again = export_checkpoint(first, "safetensors", tmp_path / "again.safetensors").path
    for path in (first, again):
        assert open_network(path, "cpu", "float32")[0].checkpoint_sha256 == expected


@pytest.mark.parametrize("kind", SUFFIXES)
def test_weights_that_are_not_finite_are_refused(tmp_path: Path, kind: ExportFormat) -> None:
    saved = write_checkpoint(tmp_path / "net.pt", "skeletongait")
    next(iter(saved.weights.values())).view(-1)[0] = torch.nan
    save_checkpoint(tmp_path / "net.pt", saved)
    message = r"net\.pt: found 1 weights that are not finite .* use an earlier checkpoint"
    with pytest.raises(CheckpointError, match=message):
        export_checkpoint(tmp_path / "net.pt", kind)


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("opengait", "net.pt", "found the checkpoint itself, expected another file"),
        ("opengait", "folder", "found a folder, expected a file; pass a file with --out"),
        ("onnx", "net", r"found a name without \.onnx, .*; pass --out .*net\.onnx"),
    ],
)
def test_unusable_file_is_refused_before_it_is_written(
    tmp_path: Path, kind: ExportFormat, name: str, message: str
) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    (tmp_path / "folder").mkdir()
    content = (tmp_path / "net.pt").read_bytes()
    with pytest.raises(DataError, match=message):
        export_checkpoint(tmp_path / "net.pt", kind, tmp_path / name, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "net.pt"]
    assert (tmp_path / "net.pt").read_bytes() == content


def test_torchscript_file_is_named_where_a_checkpoint_is_expected(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    path = export_checkpoint(tmp_path / "net.pt", "torchscript").path
    with pytest.raises(CheckpointError, match=r"found a TorchScript file, .* pass the checkpoint that it was exported"):
        load_checkpoint(path)


def test_existing_file_is_kept(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    (tmp_path / "net.safetensors").write_text("mine")
    with pytest.raises(DataError, match=r"found a file that exists, .* pass --overwrite"):
        export_checkpoint(tmp_path / "net.pt", "safetensors")
    assert (tmp_path / "net.safetensors").read_text() == "mine"
    export_checkpoint(tmp_path / "net.pt", "safetensors", overwrite=True)
    assert load_checkpoint(tmp_path / "net.safetensors").iteration == 400
