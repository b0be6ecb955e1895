"""Training loop, on random maps with a very small network."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch

from skelgait.checkpoints.best_checkpoint import BestEvaluation, best_evaluation
from skelgait.checkpoints.checkpoint import Architecture, load_checkpoint
from skelgait.errors import CheckpointError, DataError, SettingsError, SkelgaitError
from skelgait.models import GaitNetwork
from skelgait.opengait.weights import to_opengait
from skelgait.runtime.advance import Advance
from skelgait.sampling.batch import Batch
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource, open_source
from skelgait.training import TrainReport, train
from skelgait.training.metrics import status_text
from skelgait.training.precision import Precision
from skelgait.training.state import TrainingState
from tests.synthetic_data import write_random_maps

CPU = torch.device("cpu")
SMALL = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "optimizer": {"milestones": [4]},
    "iterations": 6,
    "log_every": 1,
    "save_every": 3,
    "num_workers": 0,
    "device": "cpu",
}


@pytest.fixture
def maps(tmp_path: Path) -> SequenceSource:
    write_random_maps(tmp_path / "maps")
    return open_source(tmp_path / "maps", "map")


def run(maps: SequenceSource, folder: Path, **changes: object) -> TrainReport:
    settings = TrainSettings.model_validate({**SMALL, **changes})
    return train(maps, {"000", "001", "002", "003", "without sequences"}, folder, settings, CPU)


def names_of_checkpoints(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def test_run_writes_metrics_log_and_checkpoints(maps: SequenceSource, tmp_path: Path) -> None:
    report = run(maps, tmp_path / "run")
    assert (report.identities, report.sequences, report.iterations) == (4, 12, 6)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["iteration"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [round(line["learning_rate"], 6) for line in lines] == [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]
    assert {"triplet/loss", "cross_entropy/loss", "frames_per_second"} <= set(lines[0])
    assert lines[-1] == report.metrics
    assert "iteration 6" in (tmp_path / "run" / "log.txt").read_text()
    assert names_of_checkpoints(tmp_path / "run") == ["checkpoint-000003.pt", "checkpoint-000006.pt"]
    assert load_checkpoint(report.checkpoint).architecture.classes == 4


def test_progress_has_losses_at_logged_steps(maps: SequenceSource, tmp_path: Path) -> None:
    calls: list[tuple[int, str]] = []

    def advance(n: int, status: str = "", /) -> None:
        calls.append((n, status))

    settings = TrainSettings.model_validate({**SMALL, "iterations": 4, "log_every": 2})
    report = train(maps, {"000", "001", "002"}, tmp_path / "run", settings, CPU, advance=advance)
    assert [n for n, _ in calls] == [0, 1, 1, 1, 1]
    assert [bool(status) for _, status in calls] == [False, False, True, False, True]
    assert calls[-1][1] == status_text(report.metrics)
    line = {"iteration": 9, "triplet/loss": 0.12345, "triplet/n_active": 5.0, "cross_entropy/loss": 1.5}
    assert status_text({**line, "cross_entropy/accuracy": 0.556}) == "triplet 0.123, cross entropy 1.500, accuracy 56 %"


@pytest.mark.parametrize("workers", [0, 1])
def test_resume_is_bit_identical(maps: SequenceSource, tmp_path: Path, workers: int) -> None:
    whole = run(maps, tmp_path / "whole", num_workers=workers)
    run(maps, tmp_path / "parts", iterations=3)
    resumed = run(maps, tmp_path / "parts", resume=True, num_workers=workers)
    first, second = (load_checkpoint(report.checkpoint).weights for report in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)
    losses = [
        [json.loads(line)["triplet/loss"] for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("whole", "parts")
    ]
    assert losses[0] == losses[1]


def test_weights_depend_on_the_seed(maps: SequenceSource, tmp_path: Path) -> None:
    weights = [
        load_checkpoint(run(maps, tmp_path / str(i), seed=seed, iterations=2).checkpoint).weights
        for i, seed in enumerate((0, 0, 1))
    ]
    name = "part_linear.weight"
    assert torch.equal(weights[0][name], weights[1][name])
    assert not torch.equal(weights[0][name], weights[2][name])


def test_training_in_bf16(maps: SequenceSource, tmp_path: Path) -> None:
    assert run(maps, tmp_path / "run", precision="bf16", iterations=2).metrics["cross_entropy/loss"] > 0


def test_evaluation_at_every_checkpoint_keeps_the_best(maps: SequenceSource, tmp_path: Path) -> None:
    in_train_mode = []

    def evaluate(network: GaitNetwork, advance: Advance) -> dict[str, object]:
        in_train_mode.append(network.training)
        groups = [{"name": "Normal", "metrics": {"rank_1": 1 / len(in_train_mode)}}]
        return {"protocol": "x", "tables": [{"title": "y", "groups": groups}]}

    settings = TrainSettings.model_validate({**SMALL, "keep_last": 1})
    train(maps, {"000", "001", "002"}, tmp_path / "run", settings, CPU, evaluate=evaluate)
    assert in_train_mode == [False, False]
    tests = [json.loads(line) for line in (tmp_path / "run" / "tests.jsonl").read_text().splitlines()]
    assert [test["iteration"] for test in tests] == [3, 6]
    assert best_evaluation(tmp_path / "run") == BestEvaluation(3, 1.0)
    # The last checkpoint and the best one.
    assert names_of_checkpoints(tmp_path / "run") == ["checkpoint-000003.pt", "checkpoint-000006.pt"]


def test_impossible_training_is_refused(maps: SequenceSource, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="fp16 on cpu"):
        run(maps, tmp_path / "run", precision="fp16")
    with pytest.raises(
        DataError, match=r"found identities 000, 001, .*, expected training identities x; pass the right --dataset"
    ):
        train(maps, {"x"}, tmp_path / "run", TrainSettings.model_validate(SMALL), CPU)
    run(maps, tmp_path / "run", iterations=3)
    message = r"found train\.network\.channels \[4, 8, 8, 16\], expected train\.network\.channels \[4, 8, 8, 8\]"
    with pytest.raises(SettingsError, match=message):
        run(
            maps, tmp_path / "run", resume=True, allow_changes=True, iterations=3,
            network={"channels": [4, 8, 8, 16], "embedding_width": 8},
        )  # fmt: skip


def test_infinite_loss_stops_training(maps: SequenceSource, tmp_path: Path) -> None:
    optimizer = {"learning_rate": 1e30, "milestones": []}
    with pytest.raises(SkelgaitError, match="a loss that is not finite"):
        run(maps, tmp_path / "run", optimizer=optimizer, iterations=20)


@pytest.mark.parametrize(("scales", "is_taken"), [((8.0, 8.0), True), ((8.0, 4.0), False), ((8.0, 16.0), True)])
def test_loss_scale_is_read_after_the_device_has_finished(scales: tuple[float, float], is_taken: bool) -> None:
    precision, scaler = Precision("float32", CPU), Mock()
    scaler.get_scale.side_effect = scales
    precision.scaler = scaler
    weight = torch.ones(1, requires_grad=True)
    assert precision.step(weight.sum(), torch.optim.SGD([weight])) is is_taken
    names = [call[0] for call in scaler.method_calls if call[0] != "scale().backward"]
    assert names == ["scale", "step", "get_scale", "update", "get_scale"]


def test_too_many_skipped_steps_stop_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Precision, "step", lambda *_: False)
    settings = TrainSettings.model_validate(SMALL)
    architecture = Architecture(classes=2, **settings.network.model_dump(exclude={"test_embedding"}))
    state = TrainingState(tmp_path, architecture, settings, CPU, max_skipped_steps=5)
    model, batch = state.model(), Batch(torch.zeros(4, 2, 64, 44, dtype=torch.uint8), [2, 2], torch.tensor([0, 1]))
    assert [state.step(model, batch) for _ in range(4)] == [None] * 4
    with pytest.raises(SkelgaitError, match="gradients that overflow in fp16, 5 steps in a row"):
        state.step(model, batch)


def test_new_training_in_the_folder_of_an_earlier_one_is_refused(maps: SequenceSource, tmp_path: Path) -> None:
    run(maps, tmp_path / "run", iterations=3)
    with pytest.raises(SettingsError, match=r"run: found an earlier training, up to checkpoint-000003\.pt.*--resume"):
        run(maps, tmp_path / "run", iterations=2)


def test_resume_with_another_optimizer_is_refused(maps: SequenceSource, tmp_path: Path) -> None:
    run(maps, tmp_path / "run", iterations=3)
    optimizer = {"milestones": [4], "learning_rate": 0.5}
    message = (
        r"found train\.optimizer\.learning_rate 0\.5, expected train\.optimizer\.learning_rate 0\.1, as in the run"
    )
    with pytest.raises(SettingsError, match=message):
        run(maps, tmp_path / "run", resume=True, optimizer=optimizer)


def test_resume_from_weights_only_is_refused(maps: SequenceSource, tmp_path: Path) -> None:
    report = run(maps, tmp_path / "run", iterations=3)
    weights = to_opengait(load_checkpoint(report.checkpoint).weights)
    torch.save({"model": weights, "iteration": 3}, report.checkpoint)
    with pytest.raises(CheckpointError, match=r"checkpoint-000003\.pt: found only weights"):
        run(maps, tmp_path / "run", resume=True)


def test_resume_removes_incomplete_line_of_metrics(maps: SequenceSource, tmp_path: Path) -> None:
    run(maps, tmp_path / "run", iterations=3)
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"iteration": 4, "learn')
    run(maps, tmp_path / "run", resume=True)
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["iteration"] for line in lines] == [1, 2, 3, 4, 5, 6]


def test_refused_training_writes_no_file(maps: SequenceSource, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"run: found Not a directory, expected a file that can be written"):
        run(maps, tmp_path / "file" / "run")
    with pytest.raises(CheckpointError, match="found no checkpoint, expected a checkpoint"):
        run(maps, tmp_path / "run", resume=True)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="there is no C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of torch's compiler
def test_compiled_network_gives_the_same_weights(maps: SequenceSource, tmp_path: Path) -> None:
    optimizer = {"learning_rate": 1e-4, "milestones": []}
    plain, compiled = (
        load_checkpoint(run(maps, tmp_path / name, optimizer=optimizer, iterations=2, compile=is_compiled).checkpoint)
        for name, is_compiled in (("plain", False), ("compiled", True))
    )
    for name, value in plain.weights.items():
        torch.testing.assert_close(compiled.weights[name], value, rtol=1e-4, atol=1e-4, msg=name)


def test_compile_without_compiler_is_refused(
    maps: SequenceSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(SettingsError, match=r"--compile: found no C\+\+ compiler.*leave out --compile"):
        run(maps, tmp_path / "run", compile=True)
