"""Commands: flags, settings, errors and log level."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
from pathlib import Path

import numpy as np
import pytest

from skelgait import __version__
from skelgait.cli import app, options
from skelgait.errors import SkelgaitError
from skelgait.storage import Key, PickleTreeWriter, open_source
from tests.commands import cli_runner
from tests.synthetic_data import write_dataset

COMMANDS = (
    "demo", "inspect", "poses", "silhouettes", "heatmap", "link", "train", "embed", "evaluate", "compare", "identify",
    "protocol", "runs", "checkpoint", "show", "convert", "synth", "config", "enroll", "gallery",
)  # fmt: skip


def call(*args: object) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command, without the progress lines that appear on a slow machine."""
    result = cli_runner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, re.sub(r"(?m)^\d\d:\d\d:\d\d .*\n", "", result.stderr)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_version_and_help() -> None:
    assert call("--version") == (0, f"skelgait {__version__}\n", "")
    code, out, _ = call("--version", "--all")
    assert code == 0
    assert out.startswith(f"skelgait {__version__}\npython {platform.python_version()}\n")
    assert f"\nnumpy {np.__version__}\n" in out
    assert call("--all", "inspect", ".")[0] == 1
    code, out, _ = call("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_json(command: str) -> None:
    code, out, _ = call(command, "-h")
    assert code == 0
    assert "--json" in out


@pytest.mark.parametrize(("command", "setting"), [("poses", "poses.names"), ("silhouettes", "silhouettes.size_px")])
def test_config_shows_settings_of_commands_named_like_folders(workspace: Path, command: str, setting: str) -> None:
    code, out, _ = call("config", command, "--json")
    assert code == 0
    assert setting in json.loads(out)


def test_heatmap_and_link_skip_existing_output(workspace: Path) -> None:
    write_dataset(workspace, people=2)
    code, out, _ = call("heatmap", "--workers", 1, "--json")
    report = json.loads(out)
    assert (code, report["sequences"], report["failed"]) == (0, 16, [])
    code, out, _ = call("heatmap", "--workers", 1)
    assert code == 0
    assert "sequences skipped (already drawn)" in out
    code, out, _ = call("link", "--json")
    report = json.loads(out)
    assert (code, report["counts"]["paired"], report["changed"]) == (0, 16, 16)
    assert json.loads(call("link", "--json")[1])["changed"] == 0


def test_opengait_flags_are_accepted(workspace: Path) -> None:
    write_dataset(workspace / "data", "CCPG", people=2)
    line = "heatmap --pose_data_path data/poses --save_root drawn --dataset_name CCPG"
    assert call(*line.split())[0] == 0
    line = "link --heatmap_data_path drawn --silhouette_data_path data/silhouettes --output_path both"
    assert call(*line.split(), "--dataset_pkl_ext_name", "aligned-sils.pkl")[0] == 0
    assert len(open_source(workspace / "drawn", "map").keys) == len(list((workspace / "both").rglob("1_sil.pkl")))


def test_heatmap_names_unreadable_sequences_and_exits_with_1(workspace: Path) -> None:
    write_dataset(workspace, people=2)
    bad = sorted((workspace / "poses").rglob("*.pkl"))[3]
    bad.write_bytes(b"junk")
    code, out, err = call("heatmap", "--workers", 1)
    assert code == 1
    assert bad.name in err
    assert "sequences that cannot be read" in out
    assert len(open_source(workspace / "maps", "map").keys) == 15


def test_link_names_unequal_and_unmatched_sequences(workspace: Path) -> None:
    for number, frames in enumerate((5, 6)):
        key = Key("001", "n", str(number))
        PickleTreeWriter(workspace / "maps").write(key, np.zeros((5, 2, 64, 64), np.uint8))
        PickleTreeWriter(workspace / "silhouettes").write(key, np.zeros((frames, 64, 64), np.uint8))
    PickleTreeWriter(workspace / "maps").write(Key("002", "n", "0"), np.zeros((5, 2, 64, 64), np.uint8))
    code, _, err = call("link")
    assert code == 0
    assert "001/n/1: 5 maps but 6 silhouettes" in err
    assert "002/n/0: no silhouettes" in err


def test_config_shows_values_and_origins(workspace: Path) -> None:
    (workspace / "skelgait.yaml").write_text("dataset: GREW\ntrain:\n  seed: 4\n")
    code, out, _ = call("config", "train", "--json", "--set", "train.iterations=7")
    rows = json.loads(out)
    assert code == 0
    assert rows["train.seed"] == {"value": 4, "from": "skelgait.yaml"}
    assert rows["train.iterations"] == {"value": 7, "from": "flag"}
    assert rows["train.network.blocks"] == {"value": [1, 4, 4, 1], "from": "preset skeletongait_GREW"}
    assert rows["train.losses.triplet.margin"]["from"] == "default"
    assert call("config")[0] == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("heatmap",), "Error: poses: found No such file or directory, expected a folder; check the path"),
        (("heatmap", "--dataset", "CCPQ"), "did you mean CCPG?"),
        (
            ("heatmap", "--set", "heatmap.sigma=1"),
            "flag: heatmap.sigma: no such setting; did you mean heatmap.sigma_px?",
        ),
        (("heatmap", "--settings", "none.yaml"), "Error: none.yaml: found No such file or directory"),
        (("train",), "maps: found No such file or directory"),
        (("train", "--preset", "tiny"), "--preset: found tiny, expected one of"),
        (("train", "--phase", "test"), "use `skelgait evaluate`"),
        (("evaluate", "--dataset", "CCPG"), "CCPG_skeletongait: found no checkpoint"),
        (
            ("evaluate", "--protocol", "SUSTec1K"),
            "verification, open-set; did you mean SUSTech1K? (found 'SUSTec1K')",
        ),
        (("evaluate", "--protocol", "ours"), "flag: evaluate.protocol: should be one of CCPG, OUMVLP"),
        (("evaluate", "--protocol", "sustech1k"), "SUSTech1K_skeletongait: found no checkpoint"),
        (("evaluate", "--gallery", "nm-01"), "protocol custom needs condition patterns: pass --gallery and --probes"),
        (("evaluate", "--checkpoint", "F", "--iteration", "7"), "pass only one of --checkpoint and --iteration"),
        (("train", "--iteration", "7"), "is the iteration to resume from: pass --resume too"),
        (("config", "heatmaps"), "skelgait config: found heatmaps, expected one of poses, "),
        (("config", "model_fields"), "skelgait config: found model_fields, expected one of poses, "),
    ],
)
def test_error_is_one_line_and_writes_nothing(workspace: Path, args: tuple[str, ...], message: str) -> None:
    code, out, err = call(*args)
    assert code == 1
    assert message in err
    assert "Traceback" not in out + err
    assert not [path for path in workspace.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "args", [["--debug", "heatmap"], ["heatmap", "--debug"], ["train", "--debug", "--phase", "test"]]
)
def test_debug_shows_the_traceback(workspace: Path, args: list[str]) -> None:
    assert isinstance(cli_runner().invoke(app, args).exception, SkelgaitError)


@pytest.mark.parametrize(
    ("args", "level"),
    [
        (["heatmap"], logging.WARNING),
        (["-v", "heatmap"], logging.INFO),
        (["heatmap", "-v"], logging.INFO),
        (["heatmap", "--verbose"], logging.INFO),
    ],
)
def test_verbose_before_or_after_the_command_sets_the_log_level(workspace: Path, args: list[str], level: int) -> None:
    assert "found No such file or directory" in call(*args)[2]
    assert logging.getLogger("skelgait").level == level


def test_lists_and_groups_are_split_at_commas() -> None:
    assert options.parse_flag("evaluate.gallery", ["nm-01,nm-02", "nm-03"]) == ["nm-01", "nm-02", "nm-03"]
    groups = options.parse_flag("evaluate.probes", ["Bag=bg-01,bg-02", "Coat=cl-*"])
    assert groups == {"Bag": ["bg-01", "bg-02"], "Coat": ["cl-*"]}
    with pytest.raises(SkelgaitError, match="--probes: found bg-01, expected name=pattern"):
        options.parse_flag("evaluate.probes", ["bg-01"])


def test_repeated_and_negative_flags_reach_the_settings(workspace: Path) -> None:
    args = ("--set", "train.seed=3", "--set", "heatmap.align=false", "--network", "skeletongait++")
    rows = json.loads(call("config", *args, "--json")[1])
    values = [rows[key]["value"] for key in ("train.seed", "heatmap.align", "train.network.name")]
    assert values == [3, False, "skeletongait++"]


def test_config_prints_every_warning_about_settings(workspace: Path) -> None:
    useless = "".join(f"  part_{number}: 1\n" for number in range(30))
    (workspace / "old.yaml").write_text(
        f"model_cfg:\n{useless}loss_cfg: [{{type: TripletLoss, loss_term_weights: 1}}]\n"
    )
    lines = call("config", "--settings", "old.yaml")[2].splitlines()
    assert len(lines) == 31
    assert "loss_term_weights is misspelled" in lines[0]


def test_synth_writes_the_given_number_of_sequences(workspace: Path) -> None:
    code, out, _ = call("synth", "here", "--people", 2, "--views", 1, "--repeats", 1, "--frames", 5, "--json")
    assert code == 0
    assert json.loads(out)["sequences"] == 6
