"""Commands, tables and links of the README."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.cli import app
from skelgait.datasets import DATASETS
from skelgait.settings import preset_names
from skelgait.storage import Key
from tests.commands import cli_runner, skelgait_here
from tests.embeddings.networks import write_checkpoint
from tests.paths import GUIDE, ROOT
from tests.raw.poses.dataset_builders import gait3d, make_walks
from tests.synthetic_data import write_dataset
from tests.test_guide import anchors_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
SMALL = """
train:
  network: {channels: [4, 8, 8, 8], embedding_width: 8}
  sampling: {identities_per_batch: 4, sequences_per_identity: 2, clip_len: 4, skip: 1}
  iterations: 1
  num_workers: 0
"""


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def console(text: str) -> list[str]:
    return re.findall(r"^\$ (.*)$", text, re.MULTILINE)


def test_ci_runs_the_test_command() -> None:
    setup = console(section("Install"))
    assert setup[-1] == "pip install nox && nox"
    assert setup[-1] in (ROOT / ".ci" / "run").read_text().splitlines()


def test_every_promise_has_a_test() -> None:
    rows = [
        row
        for row in re.findall(r"^\| .*$", section("Safe to open, safe to stop"), re.MULTILINE)
        if "| test |" not in row
    ]
    assert len(rows) == 12
    for row in rows:
        files = re.findall(r"\]\((tests/.*?)\)", row.rsplit("|", 2)[1])
        assert files, row
        assert all("\ndef test_" in (ROOT / file).read_text(encoding="utf-8") for file in files), row


@pytest.mark.slow
def test_dataset_commands_run(tmp_path: Path) -> None:
    commands = console(section("A gait dataset"))[3:]
    assert [command.split()[1] for command in commands] == ["heatmap", "link", "train", "evaluate"]
    write_dataset(tmp_path, "Gait3D")
    (tmp_path / "skelgait.yaml").write_text(SMALL)
    for command in commands:
        skelgait_here(tmp_path, *shlex.split(command)[1:])


def test_raw_data_commands_run(tmp_path: Path) -> None:
    commands = console(section("A gait dataset"))[:3]
    assert [command.split()[1] for command in commands] == ["inspect", "poses", "silhouettes"]
    key = Key("0000", "camid0_videoid2", "seq0")
    gait3d(tmp_path, make_walks(key))
    tmp_path.joinpath("2D_Silhouettes", *key).mkdir(parents=True)
    cv2.imwrite(str(tmp_path.joinpath("2D_Silhouettes", *key, "f1.png")), np.full((90, 40), 255, np.uint8))
    for command in commands:
        skelgait_here(tmp_path, *shlex.split(command.replace("/data/Gait3D", str(tmp_path)))[1:])
    assert len(list((tmp_path / "poses").rglob("*.pkl"))) == len(list((tmp_path / "silhouettes").rglob("*.pkl"))) == 1


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`(skelgait [a-z]+[^`]*)`", README))))
def test_commands_and_flags_exist(command: str) -> None:
    name, *words = shlex.split(command)[1:]
    result = cli_runner().invoke(app, [name, "--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for flag in (word.split("=")[0] for word in words if word.startswith("--")):
        assert flag in result.stdout, flag


def test_table_lists_all_datasets_and_presets() -> None:
    rows = re.findall(r"^\| [\w-]+ \| `(\w[\w-]*)` \| (.*) \|$", section("A gait dataset"), re.MULTILINE)
    assert {name for name, _ in rows} == set(DATASETS)
    for name, presets in rows:
        assert (f"skeletongait_{name}" in preset_names()) == ("SkeletonGait" in presets)
        assert (f"skeletongait++_{name}" in preset_names()) == ("SkeletonGait++" in presets)


def test_python_program_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (checkpoint,) = re.findall(r'Embedder\("(.*?)"\)', program)
    Path(checkpoint).parent.mkdir(parents=True)
    write_checkpoint(Path(checkpoint))
    walks = make_walks(*(Key("a", "n", view) for view in "lmr"), frames=4)
    names = dict(zip(("poses", "other_poses", "gallery_poses"), walks.values(), strict=True))
    exec(program, variables := dict[str, Any](names))
    assert variables["maps"].shape == (4, 2, 64, 64)
    assert variables["distances"].shape == (2, 1)


def test_links_exist() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        assert not anchor or anchor in anchors_of(ROOT / path), target


def test_every_guide_page_is_linked() -> None:
    for page in GUIDE.glob("*.md"):
        assert page.name == "index.md" or f"(examples/guide/{page.name}" in README, page.name


def test_every_command_is_named() -> None:
    commands = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    assert {name for name in commands if f"skelgait {name}" not in README} == set()
