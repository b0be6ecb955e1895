"""Fingerprint of the training data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.sampling.fingerprint import differences, fingerprint
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_pairs, open_source
from skelgait.training import train
from tests.commands import cli_runner
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
    result = cli_runner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == 0, result.output
    return result.stdout + result.stderr


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


def test_values_of_one_fingerprint_only_are_no_difference() -> None:
    assert differences({}, {}) == []
    assert differences({"drawn": None, "sequences": 1, "path": "a"}, {"drawn": {"sigma_px": 8.0}, "path": "b"}) == []


def test_differences_are_named() -> None:
    before = {"sequences": 1, "drawn": {"sigma_px": 8.0, "fill": "knn"}, "shapes": {"map": [2, 64, 64]}}
    now = {"sequences": 1, "drawn": {"sigma_px": 9.0, "fill": "knn"}, "shapes": {"map": [2, 32, 32]}}
    assert differences(before, now) == [("drawn.sigma_px", 8.0, 9.0), ("shapes.map", [2, 64, 64], [2, 32, 32])]


def test_fingerprint_is_independent_of_storage(workspace: Path) -> None:
    fingerprints = {name: fingerprint(source, source.keys) for name, source in sources(workspace).items()}
    pkl = fingerprints["maps-pkl"]
    assert pkl["shapes"] == {"map": [2, 64, 64]}
    assert (pkl["identities"], pkl["sequences"]) == (8, 64)
    assert (pkl["drawn"]["sigma_px"], pkl["drawn"]["joints"]) == (8.0, 17)
    assert differences(pkl, fingerprints["maps-hdf5"]) == []
    assert differences(fingerprints["pairs-pkl"], fingerprints["pairs-hdf5"]) == []
    assert fingerprints["pairs-pkl"]["shapes"] == {"map": [2, 64, 64], "silhouette": [64, 64]}
    assert fingerprints["pairs-pkl"]["drawn"] == pkl["drawn"] == fingerprints["pairs-hdf5"]["drawn"]
    assert differences(pkl, fingerprints["wide"]) == [("drawn.sigma_px", 8.0, 9.0)]


def test_fingerprint_depends_on_sequences(workspace: Path) -> None:
    source = sources(workspace)["maps-pkl"]
    first, second = fingerprint(source, source.keys), fingerprint(source, source.keys[1:])
    assert [name for name, _, _ in differences(first, second)] == ["sequences", "sequences_hash"]


def test_resume_with_other_maps_is_refused(workspace: Path, tmp_path: Path) -> None:
    maps = sources(workspace)
    identities = {key.identity for key in maps["wide"].keys[:40]}
    settings = TrainSettings.model_validate(SMALL)
    report = train(maps["maps-pkl"], identities, tmp_path / "run", settings, CPU)
    assert load_checkpoint(report.checkpoint).data["drawn"]["sigma_px"] == 8.0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["data"] == load_checkpoint(report.checkpoint).data
    resume = settings.model_copy(update={"resume": True, "iterations": 4})
    message = (
        r"run: found data\.drawn\.sigma_px 9\.0, expected data\.drawn\.sigma_px 8\.0, as in the run; resume .*"
        "pass --allow-changes"
    )
    with pytest.raises(DataError, match=message):
        train(maps["wide"], identities, tmp_path / "run", resume, CPU)
    train(maps["maps-hdf5"], identities, tmp_path / "run", resume, CPU)
    allowed = resume.model_copy(update={"allow_changes": True, "iterations": 5})
    train(maps["wide"], identities, tmp_path / "run", allowed, CPU)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert len(run["resumed"]) == 2
    change = {"iteration": 4, "key": "data.drawn.sigma_px", "old": 8.0, "new": 9.0, "changes_result": True}
    assert change in run["changes"]
    assert {"started", "skelgait", "torch", "python", "machine", "git"} <= run.keys()


def test_evaluation_on_other_maps_warns(workspace: Path, tmp_path: Path) -> None:
    maps = sources(workspace)["maps-pkl"]
    settings = TrainSettings.model_validate(SMALL)
    report = train(maps, {key.identity for key in maps.keys[:40]}, tmp_path / "run", settings, CPU)
    flags = ("--checkpoint", report.checkpoint, "--dataset", "CASIA-B", "--network", "skeletongait", "--device", "cpu")
    same = skelgait("evaluate", *flags, "--maps", workspace / "maps-pkl")
    assert "was trained on" not in same
    other = skelgait("evaluate", *flags, "--maps", workspace / "wide")
    assert "was trained on maps with sigma_px 8.0, but the maps in" in " ".join(other.split())
