"""Settings of resumed runs: those of the run, changed by flags."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.training import train
from tests.cli.test_cli import call
from tests.locked import locked
from tests.synthetic_data import write_random_maps

IDENTITIES = ["000", "001", "002"]
SMALL: dict[str, Any] = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "optimizer": {"milestones": [3], "learning_rate": 0.01},
    "iterations": 2,
    "log_every": 1,
    "save_every": 2,
    "num_workers": 0,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a workspace with the finished run `skeletongait` of 2 iterations, with seed 5."""
    folder = tmp_path_factory.mktemp("finished")
    write_random_maps(folder / "maps")
    (folder / "partition.json").write_text(json.dumps({"TRAIN_SET": IDENTITIES, "TEST_SET": ["003"]}))
    (folder / "skelgait.yaml").write_text(json.dumps({"partition": "partition.json", "train": SMALL}))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        code, _, err = call("train", "--seed", 5)
    assert code == 0, err
    return folder


@pytest.fixture
def workspace(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy of the workspace at another place, as the working folder."""
    folder = tmp_path / "workspace"
    shutil.copytree(finished, folder)
    monkeypatch.chdir(folder)
    return folder


def resume(*flags: object) -> str:
    code, _, err = call("train", "--resume", *flags)
    assert code == 0, err
    return err


def refused(*flags: object) -> str:
    code, _, err = call("train", "--resume", *flags)
    assert code == 1
    return err


def weights(folder: Path, iteration: int) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(folder / "checkpoints" / f"checkpoint-{iteration:06d}.pt").weights)


def test_resume_uses_the_settings_of_the_run_and_not_the_files(workspace: Path, tmp_path: Path) -> None:
    run, before = workspace / "runs" / "skeletongait", Path("runs/skeletongait/settings.yaml").read_bytes()
    shutil.move("partition.json", "people.json")
    (workspace / "skelgait.yaml").write_text(
        json.dumps({"partition": "none.json", "train": {"seed": 9, "losses": {"triplet": {"margin": 0.7}}}})
    )
    log = resume("--iterations", 4, "--partition", "people.json")
    assert "skelgait.yaml: train.seed 9 is not used: a resumed run keeps its own, 5; pass a flag" in log
    assert "skelgait.yaml: train.losses.triplet.margin 0.7 is not used" in log
    assert (run / "settings.yaml").read_bytes() == before
    # The second resume has only the folder of the run: no flag has to be repeated.
    (workspace / "skelgait.yaml").unlink()
    resume()
    assert "the run is finished after 4 of 4 iterations: pass a larger number" in (run / "log.txt").read_text()
    changes = json.loads((run / "run.json").read_text())["changes"]
    people = {"key": "partition", "old": "../../partition.json", "new": "../../people.json"}
    assert changes == [
        {"iteration": 2, **people, "changes_result": False},
        {"iteration": 2, "key": "train.iterations", "old": 2, "new": 4, "changes_result": False},
    ]
    # A whole run in one go has the same weights, bit for bit.
    settings = TrainSettings.model_validate({**SMALL, "seed": 5, "iterations": 4})
    train(open_source(workspace / "maps", "map"), IDENTITIES, tmp_path / "whole", settings, torch.device("cpu"))
    expected, result = weights(tmp_path / "whole", 4), weights(run, 4)
    assert all(torch.equal(expected[name], result[name]) for name in expected)
    assert json.loads(call("runs", "--json")[1])["runs"][0]["iterations"] == 4


def test_other_versions_of_libraries_are_warned_of_and_recorded(workspace: Path) -> None:
    path = workspace / "runs" / "skeletongait" / "run.json"
    content = json.loads(path.read_text())
    now = content["torch"]
    path.write_text(json.dumps(content | {"torch": "2.4.0"}))
    resume("--iterations", 3)
    log = path.with_name("log.txt").read_text()
    assert f"WARNING versions.torch is changed from 2.4.0 to {now} after iteration 2: the result stays the same" in log
    assert "versions.numpy" not in log
    after = json.loads(path.read_text())
    change = {"iteration": 2, "key": "versions.torch", "old": "2.4.0", "new": now, "changes_result": False}
    assert after["torch"] == now
    assert change in after["changes"]
    resume("--iterations", 4)
    assert path.with_name("log.txt").read_text().count("versions.") == 1


@pytest.mark.parametrize(
    ("flags", "found", "expected"),
    [
        (("--seed", 6), "train.seed 6", "train.seed 5"),
        (("--set", "train.losses.triplet.margin=1"), *("train.losses.triplet.margin " + x for x in ("1.0", "0.2"))),
        (("--set", "train.sampling.clip_len=5"), "train.sampling.clip_len 5", "train.sampling.clip_len 4"),
        (("--set", "train.augmentation.mirror=0"), "train.augmentation.mirror 0.0", "train.augmentation.mirror 0.2"),
        (("--set", "train.optimizer.gamma=0.5"), "train.optimizer.gamma 0.5", "train.optimizer.gamma 0.1"),
        (("--precision", "bf16"), "train.precision bf16", "train.precision float32"),
        (("--iterations", 1), "train.iterations 1", "train.iterations 2"),
    ],
)  # fmt: skip
def test_change_of_the_result_is_refused(workspace: Path, flags: tuple[object, ...], found: str, expected: str) -> None:
    files = {path: path.read_bytes() for path in (workspace / "runs").rglob("*") if path.is_file()}
    assert refused(*flags) == (
        f"Error: runs/skeletongait: found {found}, expected {expected}, as in the run; resume with the data and "
        "settings of the run, pass --allow-changes to change the result from here on, or start another run with "
        "--run-name\n"
    )
    assert {path: path.read_bytes() for path in (workspace / "runs").rglob("*") if path.is_file()} == files


def test_allowed_changes_are_recorded_and_kept(workspace: Path) -> None:
    run = workspace / "runs" / "skeletongait"
    optimizer = ("--set", "train.optimizer.learning_rate=0.5", "--set", "train.optimizer.milestones=[1,3]")
    resume("--allow-changes", "--iterations", 4, "--seed", 6, *optimizer)
    log = (run / "log.txt").read_text()
    assert "WARNING train.seed is changed from 5 to 6 after iteration 2: the result changes" in log
    assert "INFO train.iterations is changed from 2 to 4 after iteration 2: the result stays the same" in log
    changes = json.loads((run / "run.json").read_text())["changes"]
    assert [(c["key"], c["old"], c["new"], c["iteration"]) for c in changes if c["changes_result"]] == [
        ("train.optimizer.learning_rate", 0.01, 0.5, 2),
        ("train.optimizer.milestones", [3], [1, 3], 2),
        ("train.seed", 5, 6, 2),
    ]
    rates = [json.loads(line)["learning_rate"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert rates == pytest.approx([0.01, 0.01, 0.5 * 0.1 * 0.1, 0.5 * 0.1 * 0.1])
    assert yaml.safe_load((run / "settings.yaml").read_text())["train"]["seed"] == 5
    # From now on these are the settings of the run.
    resume("--iterations", 5)
    assert load_checkpoint(run / "checkpoints" / "checkpoint-000005.pt").settings["seed"] == 6
    assert "found train.seed 5, expected train.seed 6, as in the run" in refused("--seed", 5)
    # A change after the checkpoint to resume from does not apply, and is removed.
    resume("--allow-changes", "--seed", 7, "--iterations", 6)
    assert "found train.seed 7, expected train.seed 6" in refused("--iteration", 4, "--seed", 7)
    resume("--iteration", 4)
    changes = json.loads((run / "run.json").read_text())["changes"]
    assert [change["new"] for change in changes if change["key"] == "train.seed"] == [6]


def test_harmless_changes_are_taken_and_logged(workspace: Path) -> None:
    flags = (
        "--keep-last",
        1,
        "--set",
        "train.save_every=1",
        "--set",
        "train.log_every=2",
        "--set",
        "train.num_workers=1",
    )
    resume("--iterations", 4, *flags)
    log = (workspace / "runs" / "skeletongait" / "log.txt").read_text()
    for key, old, new in (("keep_last", 10, 1), ("save_every", 2, 1), ("log_every", 1, 2), ("num_workers", 0, 1)):
        assert f"train.{key} is changed from {old} to {new} after iteration 2: the result stays the same" in log
    assert [path.name for path in Path("runs/skeletongait/checkpoints").iterdir()] == ["checkpoint-000004.pt"]


def test_another_network_is_refused(workspace: Path) -> None:
    network = refused("--network", "skeletongait++", "--run-name", "skeletongait", "--allow-changes")
    assert (
        "runs/skeletongait: found train.network.name skeletongait++, expected train.network.name skeletongait"
        in network
    )
    Path("skelgait.yaml").unlink()
    preset = refused("--preset", "skeletongait_CCPG", "--run-name", "skeletongait")
    assert "found train.network.channels [64, 128, 256, 512]" in preset
    assert "leave it out, or start another run with --run-name" in preset


def test_run_without_its_settings_is_refused(workspace: Path) -> None:
    Path("runs/skeletongait/settings.yaml").unlink()
    assert "runs/skeletongait/settings.yaml: found no such file, expected the settings of the run; restore" in refused()


def test_new_training_in_a_finished_run_without_checkpoints_is_refused(workspace: Path) -> None:
    shutil.rmtree("runs/skeletongait/checkpoints")
    code, _, err = call("train")
    assert code == 1
    assert "runs/skeletongait: found a finished training of 2 iterations, without its checkpoints" in err


def test_flag_of_resume_without_resume_is_refused(workspace: Path) -> None:
    code, _, err = call("train", "--allow-changes")
    assert (code, err) == (
        1, "Error: flag: train.allow_changes: is for a resumed run: pass --resume too (found True)\n"
    )  # fmt: skip


def test_settings_of_an_earlier_version_are_read(workspace: Path) -> None:
    """A run of 0.1.0 has only the section `train`, and no list of changes."""
    run = workspace / "runs" / "skeletongait"
    settings = yaml.safe_load((run / "settings.yaml").read_text())
    del settings["train"]["val_share"]
    (run / "settings.yaml").write_text(yaml.safe_dump({"train": settings["train"]}))
    facts = json.loads((run / "run.json").read_text())
    del facts["changes"], facts["precision"]
    (run / "run.json").write_text(json.dumps(facts))
    resume("--iterations", 3)
    assert (run / "checkpoints" / "checkpoint-000003.pt").is_file()


def test_resume_beside_a_living_training_is_refused(workspace: Path) -> None:
    run = workspace / "runs" / "skeletongait"
    recorded = yaml.safe_load((run / "settings.yaml").read_text())["train"]
    assert not {"resume", "iteration", "allow_changes"} & recorded.keys()
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    with locked(run):
        code, _, err = call("train", "--resume")
    assert code == 1
    assert "writing here, expected one writer at a time; pass --wait" in err
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == before
