"""`skelgait checkpoint` on all kinds of files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from skelgait.checkpoints.checkpoint import Checkpoint, save_checkpoint
from skelgait.cli import app
from skelgait.opengait.weights import from_opengait
from tests.checkpoints.checkpoint_files import CCPG, CLASSIFIER, SMALL, weights_of, write_opengait, zeros
from tests.commands import cli_runner

WEIGHTS = weights_of(SMALL)
HEADLESS = {name: weight for name, weight in WEIGHTS.items() if name != CLASSIFIER}
SOME = {name: weight for name, weight in WEIGHTS.items() if not name.startswith("layer3")}
FIRST, SECOND = "layer2.1.sbn.weight", "layer2.1.sbn.num_batches_tracked"


def call(*args: object) -> tuple[int, str, str]:
    result = cli_runner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("content", [b"", b"# A text\n", b"PK\x03\x04junk", b"\x80\x02junk"])
def test_damaged_file_is_refused_without_a_hint_to_execute_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c.pt").write_bytes(content)
    code, out, err = call("checkpoint", tmp_path / "c.pt")
    assert (code, out) == (1, "")
    assert err.startswith(f"Error: {tmp_path}/c.pt: found a")
    assert "expected a checkpoint of skelgait or of OpenGait" in err
    assert len(err.splitlines()) == 1
    assert "weights_only" not in err


def test_command_describes_opengait_checkpoint(tmp_path: Path) -> None:
    path = write_opengait(tmp_path / "a file.pt", weights_of(replace(CCPG, classes=74)))
    code, out, err = call("checkpoint", path)
    assert (code, err) == (0, "")
    for text in (
        "a file.pt: a checkpoint of OpenGait",
        "64 128 256 512",
        "matches skeletongait_CCPG except for the classes: 74, not 100",
        f"skelgait evaluate --checkpoint '{path}' --network skeletongait --partition",
    ):
        assert text in out
    code, out, _ = call("checkpoint", path, "--json")
    found = json.loads(out)
    assert (code, found["loadable"], found["weights"]["architecture"]["classes"]) == (0, True, 74)
    assert found["path"] == str(path)


def test_incomplete_weights_are_listed_and_exit_with_1(tmp_path: Path) -> None:
    weights = {**HEADLESS, "\x1b[2Jx\n": zeros(2), FIRST: zeros(3), SECOND: torch.tensor(1.0)}
    path = write_opengait(tmp_path / "a.pt", weights)
    code, out, err = call("checkpoint", path)
    assert (code, err) == (1, "")
    assert "1 of wrong shape, 1 of wrong type, 1 unexpected, 1 missing" in out
    assert "(8, 6, classes)" in out
    assert "\x1b" not in out
    code, out, _ = call("checkpoint", path, "--json")
    found = json.loads(out)
    assert (code, found["loadable"]) == (1, False)
    assert found["weights"]["mismatches"]["missing"] == {CLASSIFIER: [8, 6, None]}


@pytest.mark.parametrize(
    ("weights", "hint"),
    [
        (HEADLESS, "use it as initial weights: skelgait train --init "),
        ({**WEIGHTS, "x": zeros(2)}, "save the file without the unexpected weights"),
        (SOME, "download the file again, or save the complete network"),
    ],
)
def test_hint_for_mismatched_weights(tmp_path: Path, weights: dict[str, Tensor], hint: str) -> None:
    code, out, _ = call("checkpoint", write_opengait(tmp_path / "a.pt", weights))
    assert code == 1
    assert hint in out


def test_long_list_of_mismatches_is_cut(tmp_path: Path) -> None:
    weights = {**WEIGHTS, **{f"extra{number}": zeros(2) for number in range(30)}}
    _, out, _ = call("checkpoint", write_opengait(tmp_path / "a.pt", weights))
    assert "... and 10 more (use --json to see all)" in out
    assert out.count("extra1") == 11


def test_skelgait_checkpoint_is_described(tmp_path: Path) -> None:
    training = {"optimizer": {"state": {}}, "scheduler": {"x": 1}, "drawn": 8}
    data = {"dataset": "CASIA-B", "\x1b[2J": 1}
    saved = Checkpoint(SMALL, from_opengait(WEIGHTS), 7, 2, training, {"seed": 3}, data)
    save_checkpoint(tmp_path / "c.pt", saved)
    code, out, err = call("checkpoint", tmp_path / "c.pt")
    assert (code, err) == (0, "")
    assert "\x1b" not in out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in ("seed 3", "can be resumed yes", "data: dataset CASIA-B", "iteration 7", "test embedding 2"):
        assert line in lines


def test_weights_that_are_not_finite_are_a_warning(tmp_path: Path) -> None:
    weights = {**WEIGHTS, FIRST: torch.full_like(WEIGHTS[FIRST], float("nan")), CLASSIFIER: WEIGHTS[CLASSIFIER].clone()}
    weights[CLASSIFIER][0, 0, 0] = float("inf")
    path = write_opengait(tmp_path / "c.pt", weights)
    code, _, err = call("checkpoint", path)
    names = ", ".join(name for name in weights if name in (FIRST, CLASSIFIER))
    warning = (
        f"2 of {len(weights)} weights have values that are not finite ({names}): the training has diverged; "
        "use an earlier checkpoint, or train with a lower train.optimizer.learning_rate"
    )
    assert (code, err) == (0, f"Warning: {warning}\n")
    assert json.loads(call("checkpoint", path, "--json")[1])["warnings"] == [warning]
