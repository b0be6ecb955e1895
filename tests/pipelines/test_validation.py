"""Validation people: held out of training, and evaluated instead of the test people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelgait.checkpoints.best_checkpoint import evaluation_score
from skelgait.cli import app
from skelgait.datasets import Partition, find_dataset
from skelgait.embeddings import Embeddings
from skelgait.errors import SettingsError
from skelgait.evaluation import score
from skelgait.pipelines.validation import evaluation_people, hold_out
from skelgait.storage import Key
from tests.cli.test_cli import call
from tests.commands import cli_runner
from tests.pipelines.test_resume_settings import SMALL
from tests.synthetic_data import write_random_maps

PEOPLE = [f"{identity:03d}" for identity in range(8)]
TRAIN, TEST = PEOPLE[:6], PEOPLE[6:]
EVALUATION = {"protocol": "custom", "gallery": ["n"], "probes": {"Walk": ["n"]}}


def keys_of(people: list[str], *conditions: str) -> list[Key]:
    return [Key(identity, condition, "v") for identity in people for condition in conditions]


def test_share_of_the_training_people_is_held_out() -> None:
    partition = Partition(frozenset([*TRAIN, "not on disk"]), frozenset(TEST))
    held_out = hold_out(partition, keys_of(PEOPLE, "n"), 0.34)
    assert len(held_out.validation) == 2  # 0.34 x 6 = 2.04
    assert held_out.train | held_out.validation == partition.train
    assert not held_out.train & held_out.validation
    assert "not on disk" in held_out.train
    assert held_out.test == partition.test
    assert hold_out(partition, keys_of(PEOPLE[::-1], "n", "m"), 0.34) == held_out
    assert hold_out(partition, keys_of(PEOPLE, "n"), 0.0) is partition


@pytest.mark.parametrize(
    ("validation", "share", "message"),
    [
        ((), 0.1, r"--val-share: found 0\.1, which is 1 of 6 training people, expected 2 people or more"),
        ((), 0.95, r"found 0\.95, which is 6 of 6 training people, expected .* some left to train on"),
        (("x",), 0.5, r"found 0\.5 with 1 people under VAL_SET, expected a partition without VAL_SET; leave out"),
    ],
)
def test_impossible_share_is_refused(validation: tuple[str, ...], share: float, message: str) -> None:
    partition = Partition(frozenset(TRAIN), frozenset(TEST), validation=frozenset(validation))
    with pytest.raises(SettingsError, match=message):
        hold_out(partition, keys_of(PEOPLE, "n"), share)


def test_people_to_evaluate() -> None:
    protocol, keys = find_dataset("CASIA-B").protocol, keys_of(PEOPLE, "nm-01", "nm-05")
    partition = Partition(frozenset(TRAIN[:4]), frozenset(TEST))
    assert evaluation_people(protocol, partition, keys) == ("test", protocol, partition)
    with_validation = Partition(frozenset(TRAIN[:4]), frozenset(TEST), validation=frozenset(TRAIN[4:]))
    subset, used, people = evaluation_people(protocol, with_validation, keys)
    assert (subset, used, people.test) == ("validation", protocol, frozenset(TRAIN[4:]))


@pytest.mark.parametrize(("dataset", "condition"), [("Gait3D", "camid1_videoid1"), ("GREW", "00")])
def test_first_sequences_are_probes_where_the_protocol_names_those_of_test_people(dataset: str, condition: str) -> None:
    keys = [Key(identity, condition, f"seq{i}") for identity in PEOPLE for i in range(3)]
    partition = Partition(
        frozenset(TRAIN[:4]), frozenset(TEST), frozenset({(TEST[0], condition, "seq1")}), frozenset(TRAIN[4:])
    )
    _, protocol, people = evaluation_people(find_dataset(dataset).protocol, partition, keys)
    assert people.probes == {(identity, condition, "seq0") for identity in TRAIN[4:]}
    chosen = [key for key in keys if key.identity in people.test]
    values = torch.eye(2).repeat_interleave(3, 0)[:, :, None]  # both people are told apart
    report = score(Embeddings(chosen, values, 0), protocol, people)
    assert evaluation_score(report.summary()) == 1.0


def test_score_is_the_overall_metric_of_the_report() -> None:
    """SUSTech1K publishes rank-1 over all probes, which is not the mean over its conditions."""
    rng = np.random.default_rng(0)
    keys = [
        Key(f"{identity:04d}", condition, f"{view:03d}")
        for identity in range(6)
        for condition in ("00-nm", "01-nm", "01-bg", "02-cl", "02-bg")
        for view in (0, 90)
    ]
    values = torch.from_numpy(rng.normal(size=(len(keys), 3, 1)).astype(np.float32))
    report = score(Embeddings(keys, values, 0), find_dataset("SUSTech1K").protocol)
    (overall,) = [group.metrics["rank_1"] for group in report.tables[0].groups if group.name == "Overall"]
    groups = [group.metrics["rank_1"] for group in report.tables[0].groups if group.metrics["rank_1"] is not None]
    assert overall != pytest.approx(np.mean(groups))
    assert evaluation_score(report.summary()) == evaluation_score(report.to_dict()) == overall


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder with maps of 8 people, of whom 6 are for training."""
    write_random_maps(tmp_path / "maps", identities=8)
    write_partition(tmp_path)
    train: dict[str, Any] = {**SMALL, "save_every": 1}
    settings = {"partition": "partition.json", "train": train, "evaluate": {**EVALUATION, "device": "cpu"}}
    (tmp_path / "skelgait.yaml").write_text(json.dumps(settings))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_partition(folder: Path, **more: list[str]) -> None:
    content = {"TRAIN_SET": TRAIN, "TEST_SET": TEST, **more}
    (folder / "partition.json").write_text(json.dumps(content))


def command(*args: object) -> str:
    code, out, err = call(*args)
    assert code == 0, err
    return out


def evaluations(run: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(f"runs/{run}/tests.jsonl").read_text().splitlines()]


def test_held_out_people_are_evaluated_and_test_people_are_never_read(workspace: Path) -> None:
    shutil.copytree("maps", "all-maps")
    for path in [path for identity in TEST for path in Path("maps", identity).rglob("*.pkl")]:
        path.write_bytes(b"unreadable")
    trained = json.loads(command("train", "--eval-during-training", "--val-share", 0.5, "--json"))
    assert trained["identities"] == 3
    assert [(line["subset"], line["n_sequences"]) for line in evaluations("skeletongait")] == [("validation", 9)] * 2
    (run,) = json.loads(command("runs", "--json"))["runs"]
    assert run["best"]["subset"] == "validation"
    assert "(validation, at " in command("runs")
    report = json.loads(command("evaluate", "--best", "--maps", "all-maps", "--json"))
    assert report["iteration"] == run["best"]["iteration"]
    assert not any("chosen by its rank-1" in note for note in report["notes"])
    code, _, err = call("train", "--resume", "--val-share", 0.4)
    assert code == 1
    assert "found train.val_share 0.4, expected train.val_share 0.5, as in the run" in err


def test_validation_people_of_the_partition_are_evaluated(workspace: Path) -> None:
    write_partition(workspace, TRAIN_SET=TRAIN[:3], VAL_SET=TRAIN[3:5])
    command("train", "--eval-during-training")
    assert [(line["subset"], line["n_sequences"]) for line in evaluations("skeletongait")] == [("validation", 6)] * 2


def test_choice_on_the_test_people_is_said_in_the_report(workspace: Path) -> None:
    command("train", "--eval-during-training")
    assert [line["subset"] for line in evaluations("skeletongait")] == ["test", "test"]
    (run,) = json.loads(command("runs", "--json"))["runs"]
    report = json.loads(command("evaluate", "--best", "--json"))
    iteration = run["best"]["iteration"]
    note = (
        f"the checkpoint of iteration {iteration} was chosen by its rank-1 on the test people, so metrics "
        "are too high: choose it on other people, with VAL_SET in the partition or with train --val-share 0.1"
    )
    assert note in report["notes"]
    assert note in json.loads(Path("runs/skeletongait/report/report.json").read_text())["notes"]
    # `runs` shows the same number as the report.
    assert run["best"]["score"] == report["tables"][0]["groups"][0]["metrics"]["rank_1"]
    command("embed", "--best", "--device", "cpu")
    assert note in json.loads(command("evaluate", "--embeddings", "embeddings.h5", "--json"))["notes"]
    newest = json.loads(command("evaluate", "--json"))
    assert not any("chosen by its rank-1" in text for text in newest["notes"])


def test_unused_validation_people_are_a_warning(workspace: Path) -> None:
    write_partition(workspace, TRAIN_SET=TRAIN[:4], VAL_SET=TRAIN[4:])
    warnings = cli_runner().invoke(app, ["train", "--iterations", "1"]).stderr
    assert "the people under VAL_SET (2) are not used: pass --eval-during-training" in " ".join(warnings.split())
