"""Checkpoints by name in the commands, from a local server of the form of huggingface.co."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait import Embedder, load_checkpoint, open_embeddings, open_source
from skelgait.export import check
from skelgait.pipelines.export import export_checkpoint
from tests.checkpoints.hub_server import COMMIT, hub_server, use_hub
from tests.cli.embedded import CPU, GROUPS
from tests.cli.test_cli import call

pytest.importorskip("huggingface_hub")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

HUB = "hf://peer/Gait/run/"
SUFFIXES = [".pt", ".safetensors", ".onnx"]
TRAIN = (
    "--partition", "train.json", "--set", "train.network.channels=[16,4,4,4]",
    "--set", "train.network.blocks=[1,1,1,1]", "--set", "train.network.embedding_width=6",
    "--set", "train.network.strips=8", "--set", "train.sampling.identities_per_batch=2",
    "--set", "train.sampling.sequences_per_identity=2", "--set", "train.sampling.clip_len=4",
    "--set", "train.num_workers=0", "--set", "train.optimizer.learning_rate=1e-9", "--iterations", 1, *CPU,
)  # fmt: skip


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def workspace(embedded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with maps, embeddings of c.pt, and c.pt in three formats."""
    folder = tmp_path_factory.mktemp("hub") / "workspace"
    shutil.copytree(embedded_folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "SHAPES", ((1, 2),))
        for name in ("onnx", "safetensors"):
            export_checkpoint(folder / "c.pt", name)
    people = sorted({key.identity for key in open_source(folder / "maps", "map").keys})
    (folder / "train.json").write_text(json.dumps({"TRAIN_SET": people[:3], "TEST_SET": people[3:]}))
    return folder


@pytest.fixture(autouse=True)
def _hub(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(workspace)
    files = {f"run/c{suffix}": (workspace / f"c{suffix}").read_bytes() for suffix in SUFFIXES}
    with hub_server(files) as server:
        use_hub(monkeypatch, server, tmp_path / "cache")
        yield


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_embed_names_the_commit_and_gives_the_embeddings_of_the_file(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "e.h5"
    code, text, err = call(
        "embed", "--checkpoint", HUB + "c" + suffix, "--identities", "all", "--out", out, "--json", *CPU
    )
    assert code == 0, err
    report = json.loads(text)
    assert report["checkpoint"] == f"{HUB}c{suffix}@{COMMIT}"
    # An exported file stands for its checkpoint.
    assert report["checkpoint_sha256"] == sha256(Path("c.pt"))
    found, expected = (open_embeddings(path).values.numpy() for path in (out, Path("gallery.h5")))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_evaluate_reports_the_metrics_of_the_file_and_names_the_commit(tmp_path: Path, suffix: str) -> None:
    flags = ("--partition", "partition.json", *GROUPS, *CPU, "--json")
    code, text, err = call("evaluate", "--checkpoint", HUB + "c" + suffix, *flags, "--report", tmp_path / "r")
    assert code == 0, err
    report, expected = json.loads(text), json.loads(call("evaluate", "--embeddings", "gallery.h5", *flags)[1])
    assert report["tables"] == expected["tables"]
    assert report["evaluated_file"] == f"{HUB}c{suffix}@{COMMIT}"
    assert f"{HUB}c{suffix}@{COMMIT}" in (tmp_path / "r" / "report.md").read_text()


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
def test_identify_takes_a_name_and_the_name_in_the_gallery(tmp_path: Path, suffix: str) -> None:
    gallery, flags = tmp_path / "g.h5", ("--json", *CPU)
    assert call("embed", "--checkpoint", HUB + "c" + suffix, "--identities", "all", "--out", gallery, *CPU)[0] == 0
    for more in ((), ("--checkpoint", f"{HUB}c{suffix}@v1")):
        code, text, err = call("identify", "maps", "--gallery", gallery, *more, *flags)
        assert code == 0, err
        assert all(probe["candidates"][0]["sequence"] == probe["probe"] for probe in json.loads(text)["probes"])


def test_identify_with_another_checkpoint_names_it(tmp_path: Path) -> None:
    code, _, err = call("identify", "maps", "--gallery", "other.h5", "--checkpoint", HUB + "c.pt", *CPU)
    assert code == 1
    assert f"Error: {HUB}c.pt@{COMMIT}: found not the checkpoint of other.h5" in " ".join(err.split())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_embedder_takes_a_name(workspace: Path, suffix: str) -> None:
    maps = open_source(workspace / "maps", "map")
    frames = maps.read(maps.keys[0])[0]
    found, expected = (Embedder(name, device="cpu")(frames) for name in (HUB + "c" + suffix, "c.pt"))
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_checkpoint_and_export_take_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    name = HUB + "c" + suffix
    code, text, err = call("checkpoint", name)
    assert code == 0, err
    assert f"{HUB}c{suffix}@{COMMIT}" in "".join(text.split())
    monkeypatch.chdir(tmp_path)
    code, text, err = call("export", name, "--format", "opengait")
    assert code == 0, err
    weights = torch.load(tmp_path / "c.opengait.pt", weights_only=True)["model"]
    assert len(weights) == len(load_checkpoint(tmp_path / "c.opengait.pt").weights)


@pytest.mark.parametrize("suffix", SUFFIXES[:2])
def test_train_starts_from_a_name_and_records_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    runs = tmp_path / "runs"
    code, _, err = call(
        "train", "--init", HUB + "c" + suffix, "--run-name", "tuned", "--set", f"paths.runs={runs}", *TRAIN
    )
    assert code == 0, err
    start = load_checkpoint("c.pt").weights
    weights = load_checkpoint(next((runs / "tuned" / "checkpoints").glob("*.pt"))).weights
    classifier = "neck.class_weight"
    for name, weight in weights.items():
        if "running" not in name and "batches" not in name and name != classifier:
            torch.testing.assert_close(weight, start[name], rtol=0, atol=1e-5, msg=name)
    log = (runs / "tuned" / "log.txt").read_text()
    assert f"training from the weights of {HUB}c{suffix}@{COMMIT}, and random" in log
    assert f"init: {HUB}c{suffix}\n" in (runs / "tuned" / "settings.yaml").read_text()
    # To resume needs no hub.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    resume = ("--resume", "--run-name", "tuned", "--set", f"paths.runs={runs}", "--iterations", 2, *CPU)
    code, _, err = call("train", *resume)
    assert code == 0, err


@pytest.mark.parametrize(
    "args",
    [("checkpoint", HUB + "c.onnx"), ("export", HUB + "c.onnx"), ("train", "--init", HUB + "c.onnx", *TRAIN)],
)
def test_commands_for_weights_refuse_an_onnx_file(tmp_path: Path, args: tuple[str, ...]) -> None:
    runs = ("--set", f"paths.runs={tmp_path}") if args[0] == "train" else ()
    code, _, err = call(*args, *runs)
    assert code == 1
    assert "c.onnx: found an ONNX file" in err
    assert "pass the checkpoint that it was exported from" in err
