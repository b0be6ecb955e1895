"""What is told of the data, and when a training is not to go on with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_pairs, open_source
from skelgait.training import train
from skelgait.training.fingerprint import differences, fingerprint
from tests.synthetic_data import write_dataset

CPU = torch.device("cpu")
SMALL = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 2, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "iterations": 2,
    "num_workers": 0,
    "device": "cpu",
}


def skelgait(*args: object) -> str:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace")
    write_dataset(folder)
    for storage in ("pkl", "hdf5"):
        flags = ("--maps", folder / f"maps-{storage}", "--storage", storage)
        skelgait("heatmap", "--poses", folder / "poses", *flags)
        skelgait("link", *flags, "--silhouettes", folder / "silhouettes", "--pairs", folder / f"pairs-{storage}")
    skelgait("heatmap", "--poses", folder / "poses", "--maps", folder / "wide", "--set", "heatmap.sigma_px=9.0")
    return folder


def sources(workspace: Path) -> dict[str, SequenceSource]:
    maps = {name: open_source(workspace / name, "map") for name in ("maps-pkl", "maps-hdf5", "wide")}
    return maps | {name: open_pairs(workspace / name) for name in ("pairs-pkl", "pairs-hdf5")}


def test_no_difference() -> None:
    assert differences({}, {}) == []
    assert differences({"drawn": None, "sequences": 1, "path": "a"}, {"drawn": {"sigma_px": 8.0}, "path": "b"}) == []


def test_what_differs_is_named() -> None:
    before = {"sequences": 1, "drawn": {"sigma_px": 8.0, "fill": "knn"}, "shapes": {"map": [2, 64, 64]}}
    now = {"sequences": 1, "drawn": {"sigma_px": 9.0, "fill": "knn"}, "shapes": {"map": [2, 32, 32]}}
    assert differences(before, now) == [("drawn.sigma_px", 8.0, 9.0), ("shapes.map", [2, 64, 64], [2, 32, 32])]


def test_every_storage_tells_the_same(workspace: Path) -> None:
    found = {name: fingerprint(source, source.keys) for name, source in sources(workspace).items()}
    pkl = found["maps-pkl"]
    assert pkl["shapes"] == {"map": [2, 64, 64]}
    assert (pkl["identities"], pkl["sequences"]) == (8, 64)
    assert (pkl["drawn"]["sigma_px"], pkl["drawn"]["joints"]) == (8.0, 17)
    assert differences(pkl, found["maps-hdf5"]) == []
    assert differences(found["pairs-pkl"], found["pairs-hdf5"]) == []
    assert found["pairs-pkl"]["shapes"] == {"map": [2, 64, 64], "silhouette": [64, 64]}
    assert found["pairs-pkl"]["drawn"] == pkl["drawn"] == found["pairs-hdf5"]["drawn"]
    assert differences(pkl, found["wide"]) == [("drawn.sigma_px", 8.0, 9.0)]


def test_other_sequences_have_another_fingerprint(workspace: Path) -> None:
    source = sources(workspace)["maps-pkl"]
    first, second = fingerprint(source, source.keys), fingerprint(source, source.keys[1:])
    assert [what for what, _, _ in differences(first, second)] == ["sequences", "sequences_hash"]


def test_a_training_does_not_go_on_with_other_maps(workspace: Path, tmp_path: Path) -> None:
    maps = sources(workspace)
    people = {key.identity for key in maps["wide"].keys[:40]}
    settings = TrainSettings.model_validate(SMALL)
    report = train(maps["maps-pkl"], people, tmp_path / "run", settings, CPU)
    assert load_checkpoint(report.checkpoint).data["drawn"]["sigma_px"] == 8.0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"] == load_checkpoint(report.checkpoint).data
    again = settings.model_copy(update={"resume": True, "iterations": 4})
    message = r"000002\.pt: found a network that was trained on drawn\.sigma_px 8\.0, expected the data's.*9\.0; resume"
    with pytest.raises(DataError, match=message):
        train(maps["wide"], people, tmp_path / "run", again, CPU)
    train(maps["maps-hdf5"], people, tmp_path / "run", again, CPU)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert len(run["resumed"]) == 1
    assert {"started", "skelgait", "torch", "python", "machine", "git"} <= run.keys()


def test_an_evaluation_on_other_maps_says_so(workspace: Path, tmp_path: Path) -> None:
    maps = sources(workspace)["maps-pkl"]
    settings = TrainSettings.model_validate(SMALL)
    report = train(maps, {key.identity for key in maps.keys[:40]}, tmp_path / "run", settings, CPU)
    flags = ("--checkpoint", report.checkpoint, "--dataset", "CASIA-B", "--network", "skeletongait", "--device", "cpu")
    same = skelgait("evaluate", *flags, "--maps", workspace / "maps-pkl")
    assert "was trained on" not in same
    other = skelgait("evaluate", *flags, "--maps", workspace / "wide")
    assert "was trained on maps with sigma_px 8.0; those in" in " ".join(other.split())
