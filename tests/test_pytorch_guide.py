"""Programs of the page "In your own PyTorch code": they run, and train as `skelgait.train` does."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import yaml

import skelgait
from skelgait.models import NETWORKS
from skelgait.settings.training import TrainSettings
from tests.paths import GUIDE
from tests.synthetic_data import write_random_maps

PAGE = (GUIDE / "pytorch.md").read_text(encoding="utf-8")
CPU = torch.device("cpu")
SETTINGS = {
    "network": {"channels": [4, 8, 8, 8]},
    "sampling": {"identities_per_batch": 3, "sequences_per_identity": 2, "clip_len": 4},
    "augmentation": {"perspective": 0.0, "mirror": 0.0, "rotation": 0.0},
    "iterations": 3, "log_every": 1, "save_every": 3, "num_workers": 0, "device": "cpu",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with maps, settings and the checkpoint of a run of `skelgait.train`."""
    folder = tmp_path_factory.mktemp("pytorch")
    write_random_maps(folder / "maps")
    (folder / "settings.yaml").write_text(yaml.safe_dump({"train": SETTINGS}))
    source = skelgait.open_source(folder / "maps", "map")
    people = {key.identity for key in source.keys}
    report = skelgait.train(source, people, folder / "run", TrainSettings.model_validate(SETTINGS), CPU)
    shutil.copy(report.checkpoint, folder / "checkpoint.pt")
    return folder


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    networks = dict(NETWORKS)
    yield
    NETWORKS.clear()
    NETWORKS.update(networks)


def run_sections(*titles: str) -> dict[str, Any]:
    """Run the programs of some sections, in order, and return their names."""
    names: dict[str, Any] = {"__name__": __name__}
    for title in titles:
        section = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
        assert section, title
        for program in re.findall(r"```python\n(.*?)```", section[1], re.DOTALL):
            exec(compile(program, "pytorch.md", "exec", dont_inherit=True), names)
    return names


def test_plain_loop_has_the_losses_and_weights_of_train(folder: Path, tmp_path: Path) -> None:
    names = run_sections("Train")
    steps: dict[int, Any] = {}
    report = skelgait.train(
        names["source"], names["people"], tmp_path / "run", TrainSettings.model_validate(SETTINGS), CPU,
        on_metrics=lambda step, values: steps.update({step: values}),
    )  # fmt: skip
    totals = [steps[step]["triplet/loss"] + steps[step]["cross_entropy/loss"] for step in (1, 2, 3)]
    assert names["losses"] == pytest.approx(totals, abs=2e-6)  # metrics are rounded to 6 digits
    weights = names["network"].state_dict()
    for name, value in skelgait.load_checkpoint(report.checkpoint).weights.items():
        assert torch.equal(weights[name], value), name


def test_dataset_of_a_program_gives_packed_clips() -> None:
    batch = next(iter(run_sections("Train", "Your own Dataset")["batches"]))
    assert batch.frames.shape == (sum(batch.lengths), 2, 64, 44)
    assert sorted(batch.lengths)[0] == 9
    assert len(batch.labels) == 6


def test_embeddings_of_a_plain_loop_are_those_of_embed() -> None:
    names = run_sections("Train", "Embed")
    batches = islice(names["batches"], 1)
    assert next(batches).labels.dtype == torch.int64
    assert names["distances"].shape == (12, 12)
    from skelgait.embeddings.torch_model import TorchModel

    key = names["source"].keys[4]
    frames = names["source"].read(key)[0][..., 10:54]
    first, _ = TorchModel(names["network"], CPU).embed(frames, [len(frames)])  # (1, S, D)
    torch.testing.assert_close(names["rows"][4], torch.from_numpy(first).transpose(1, 2))


def test_frozen_layers_keep_weights_and_statistics(folder: Path) -> None:
    names = run_sections("Train", "Your own Dataset", "Fine-tune, with frozen layers")
    before, after = skelgait.load_checkpoint(folder / "checkpoint.pt").weights, names["network"].state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith(("front.", "layer2."))}
    assert frozen
    assert frozen <= same
    assert any(name.startswith("layer3.") for name in before.keys() - same)


def test_classifier_of_other_people_is_dropped(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = skelgait.open_source(folder / "maps", "map")
    settings = TrainSettings.model_validate({**SETTINGS, "iterations": 1})
    other = skelgait.train(source, {"000", "001", "002"}, tmp_path / "run", settings, CPU).checkpoint
    shutil.copy(other, tmp_path / "checkpoint.pt")
    (tmp_path / "maps").symlink_to(folder / "maps")
    monkeypatch.chdir(tmp_path)
    names = run_sections("Train", "Your own Dataset", "Fine-tune, with frozen layers")
    before, after = skelgait.load_checkpoint(other).weights, names["network"].state_dict()
    assert names["classifier"] == {"neck.class_weight"}
    assert [weights["neck.class_weight"].shape[-1] for weights in (before, after)] == [3, 4]
    assert all(torch.equal(before[name], after[name]) for name in before if name.startswith(("front.", "layer2.")))
    assert torch.isfinite(names["loss"].total)


def test_front_layers_of_a_program_train() -> None:
    names = run_sections("Train", "Your own front layers")
    assert type(names["network"]).__name__ == "WideGait"
    assert names["network"].front[0].weight.grad is not None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, when it imports its compiler
def test_compiled_network_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    # Traces as the default backend does, and needs no C++ compiler.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    assert run_sections("Train", "torch.compile")["losses"][0] > 0


@pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec:FutureWarning")  # of Lightning 2.6, about torch
def test_lightning_trains() -> None:
    if find_spec("lightning") is None:
        pytest.skip("lightning is not installed")
    names = run_sections("Train", "Lightning")
    assert names["trainer"].global_step == 2


def test_metrics_reach_wandb_and_mlflow(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged: dict[str, list[tuple[int, Any]]] = {"wandb": [], "mlflow": []}
    wandb: Any = ModuleType("wandb")
    wandb.init = lambda **options: logged.update(config=[(0, options["config"])])
    wandb.log = lambda values, step: logged["wandb"].append((step, values))

    class Run:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    mlflow: Any = ModuleType("mlflow")
    mlflow.start_run = Run
    mlflow.log_metrics = lambda values, step: logged["mlflow"].append((step, values))
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    run_sections("Train", "W&B and MLflow")
    assert logged["config"][0][1]["iterations"] == 3
    for service in ("wandb", "mlflow"):
        assert [step for step, _ in logged[service]] == [1, 2, 3]
        assert {"learning_rate", "triplet/loss", "cross_entropy/accuracy"} <= set(logged[service][0][1])
        assert all(isinstance(value, int | float) for value in logged[service][0][1].values())


def test_results_of_evaluations_reach_the_callback(folder: Path, tmp_path: Path) -> None:
    groups = [{"name": "NM", "metrics": {"rank_1": 0.75, "mAP": None}}]
    report = {"subset": "validation", "dataset": "x", "tables": [{"title": "Views: A, B's", "groups": groups}]}
    calls: list[tuple[int, Any]] = []
    source = skelgait.open_source(folder / "maps", "map")
    settings = TrainSettings.model_validate({**SETTINGS, "log_every": 2})
    skelgait.train(
        source, {"000", "001", "002"}, tmp_path / "run", settings, CPU, evaluate=lambda _network, _advance: report,
        on_metrics=lambda step, values: calls.append((step, values)),
    )  # fmt: skip
    assert [step for step, _ in calls] == [2, 3, 3]
    # Without the characters that MLflow refuses in names.
    assert calls[-1][1] == {"validation/Views A Bs/NM/rank_1": 0.75, "validation/rank_1": 0.75}


def test_error_of_the_callback_ends_the_training(folder: Path, tmp_path: Path) -> None:
    def fail(step: int, _values: object) -> None:
        raise ValueError(f"no network at step {step}")

    source = skelgait.open_source(folder / "maps", "map")
    settings = TrainSettings.model_validate(SETTINGS)
    with pytest.raises(ValueError, match="no network at step 1"):
        skelgait.train(source, {"000", "001", "002"}, tmp_path / "run", settings, CPU, on_metrics=fail)
