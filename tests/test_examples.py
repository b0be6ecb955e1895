"""Every example runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from skelgait.datasets import Group, Protocol, Submission, Table
from skelgait.datasets.protocol import Kind
from skelgait.matching.metrics import METRICS
from skelgait.raw.poses import LAYOUTS
from skelgait.storage import Key, PickleTreeWriter, open_pairs, open_source
from tests.commands import skelgait_here
from tests.paths import EXAMPLES, GUIDE
from tests.raw.poses.dataset_builders import make_walks, openpose
from tests.synthetic_data import write_dataset

IMAGES = GUIDE / "images"


def run_script(name: str, *args: Path) -> str:
    """Run an example and return its stdout."""
    run = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return run.stdout


def test_every_program_has_a_test() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"maps_in_python.py", "pictures.py"}


def test_maps_in_python(tmp_path: Path) -> None:
    write_dataset(tmp_path, people=2)
    out = run_script("maps_in_python.py", tmp_path / "poses", tmp_path / "p.png")
    assert re.match(r"\S+/\S+/\S+: \d+ frames, \d+ joints filled, 0 empty maps", out)
    assert cv2.imread(str(tmp_path / "p.png")).shape == (128, 320, 3)


def test_pictures_of_the_guide_are_up_to_date(tmp_path: Path) -> None:
    run_script("pictures.py", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in IMAGES.iterdir())
    for name in ("architecture.svg", "joint_orders.svg"):
        assert (tmp_path / name).read_text() == (IMAGES / name).read_text()
    for path in tmp_path.glob("*.png"):
        image, stored = (cv2.imread(str(p)).astype(int) for p in (path, IMAGES / path.name))
        # Text looks different with another version of OpenCV.
        assert np.abs(image - stored).mean() < 2


def commands_of(page: str) -> list[list[str]]:
    """Return the skelgait commands of a page, without the word skelgait."""
    text = (GUIDE / page).read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(r"^\$ skelgait (.*)$", text, re.MULTILINE)]


@pytest.mark.slow
def test_quick_start(tmp_path: Path) -> None:
    demo, *steps, show = commands_of("quick_start.md")
    assert [step[0] for step in steps] == ["synth", "heatmap", "train", "evaluate"]
    assert "skeletongait++, iteration" in skelgait_here(tmp_path, *demo)
    folder = tmp_path / "steps"
    folder.mkdir()
    (settings,) = re.findall(r"```yaml\n(.*?)```", (GUIDE / "quick_start.md").read_text(), re.DOTALL)
    (folder / "skelgait.yaml").write_text(settings)
    for step in steps:
        # A few short steps are enough to see that each command reads what the one before it has written.
        less = {"synth": ["--views", 2, "--frames", 20], "train": ["--iterations", 1]}.get(step[0], [])
        out = skelgait_here(folder, *step, *less)
    assert "NM" in out
    assert (folder / "runs" / "CASIA-B_skeletongait" / "report" / "report.md").is_file()
    skelgait_here(folder, *show)
    assert {path.suffix for path in (folder / "previews").iterdir()} == {".png", ".gif"}


def test_settings(tmp_path: Path) -> None:
    config, convert, verify = commands_of("settings.md")
    (example,) = re.findall(r"```yaml\n(.*?)```", (GUIDE / "settings.md").read_text(), re.DOTALL)
    (tmp_path / "skelgait.yaml").write_text(example)
    assert "/data/SUSTech1K/poses" in skelgait_here(tmp_path, "config", "heatmap")
    assert "skelgait.yaml" in skelgait_here(tmp_path, *config)
    write_dataset(tmp_path, people=2)
    skelgait_here(tmp_path, *convert)
    assert open_source(tmp_path / "silhouettes-hdf5", "silhouette").keys
    (tmp_path / "skelgait.yaml").unlink()
    skelgait_here(tmp_path, "heatmap")
    assert "damaged 0" in " ".join(skelgait_here(tmp_path, *verify).split())


def test_missing_joints_in_a_dataset(tmp_path: Path) -> None:
    page = (GUIDE / "missing_joints.md").read_text(encoding="utf-8")
    write_dataset(tmp_path, people=2)
    (tmp_path / "skelgait.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    (command,) = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
    drawn = json.loads(skelgait_here(tmp_path, *shlex.split(command)[1:], "--json"))
    # Maps drawn with other settings would be refused.
    again = json.loads(skelgait_here(tmp_path, "heatmap", "--json"))
    assert again["skipped"] == drawn["sequences"] > 0


@pytest.mark.slow
def test_own_data(tmp_path: Path) -> None:
    page = (GUIDE / "own_data.md").read_text(encoding="utf-8")
    partition = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    names = [*partition["TRAIN_SET"], *partition["TEST_SET"]]
    write_dataset(tmp_path)
    for root in (tmp_path / "poses", tmp_path / "silhouettes"):
        for folder, name in zip(sorted(root.iterdir()), names, strict=True):
            for condition in sorted(folder.iterdir()):
                spelled = condition.name.replace("nm-05", "normal-02").replace("nm", "normal").replace("bg", "bag")
                condition.rename(condition.with_name(spelled))
            folder.rename(root / name)
    (tmp_path / "partition.json").write_text(json.dumps(partition))
    (tmp_path / "skelgait.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    commands = re.findall(r"^\$ (.*)$", page, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        # One step is enough to see that the road is open.
        more = ["--iterations", "1"] if command == "skelgait train" else []
        out = skelgait_here(tmp_path, *shlex.split(command)[1:], *more)
    assert "Bag" in out
    assert "Within a view" in out


OWN_DATASET = (GUIDE / "own_dataset.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_own_dataset(tmp_path: Path) -> None:
    (partition,) = re.findall(r"```json\n(.*?)```", OWN_DATASET, re.DOTALL)
    names = [name for identities in json.loads(partition).values() for name in identities]
    write_dataset(tmp_path)
    for folder, name in zip(sorted((tmp_path / "poses").iterdir()), names, strict=True):
        for condition in sorted(folder.iterdir()):
            spelled = condition.name.replace("nm-05", "normal-02").replace("nm", "normal").replace("bg", "bag")
            condition.rename(condition.with_name(spelled))
        folder.rename(folder.with_name(name))
    protocol, settings = re.findall(r"```yaml\n(.*?)```", OWN_DATASET, re.DOTALL)
    for file, text in {"carpark.json": partition, "carpark.yaml": protocol, "skelgait.yaml": settings}.items():
        (tmp_path / file).write_text(text)
    commands = re.findall(r"^\$ (.*)$", OWN_DATASET, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["protocol", "heatmap", "train", "evaluate"]
    for command in commands:
        # One step is enough to see that the road is open.
        more = ["--iterations", "1"] if command == "skelgait train" else []
        out = skelgait_here(tmp_path, *shlex.split(command)[1:], *more)
    for text in ("Car park: Between the cameras", "published", "91.5", "Car park: Each walk among all others"):
        assert text in out
    assert skelgait_here(tmp_path, "evaluate", "--protocol", "carpark.yaml") == out


def test_own_dataset_explains_every_key_kind_and_metric() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", OWN_DATASET, re.MULTILINE))
    keys = {field.name for part in (Protocol, Table) for field in fields(part)}
    assert set(rows) == keys
    for key, words in (("kind", get_args(Kind)), ("metrics", METRICS)):
        for word in words:
            assert f"`{word}`" in rows[key] or re.search(rf"\b{word.removeprefix('rank_')}\b", rows[key]), word
    for part, key in ((Group, "groups"), (Submission, "submission")):
        assert all(f"`{field.name}`" in rows[key] for field in fields(part))


RAW_DATA = (GUIDE / "raw_data.md").read_text(encoding="utf-8")


def test_raw_data_lists_every_layout() -> None:
    formats = RAW_DATA[: RAW_DATA.index("## Joints")]
    assert set(re.findall(r"^\| `([\w-]+)` \|", formats, re.MULTILINE)) == set(LAYOUTS)


def test_raw_data_s_commands(tmp_path: Path) -> None:
    commands = re.findall(r"^\$ skelgait (.*)$", RAW_DATA, re.MULTILINE)
    named, paired, looked = (
        next(command for command in commands if part in command) for part in ("--names", "link", "Gait3D-SMPL")
    )
    (walk,) = make_walks(Key("0000", "camid0_videoid2", "seq0"), frames=9).values()
    openpose(tmp_path / "videos", {("anna_bag", "2024-05-01", "left"): walk})  # type: ignore[dict-item]
    skelgait_here(tmp_path, *shlex.split(named))
    assert list(open_source(tmp_path / "poses", "pose").keys) == [Key("anna", "bag", "left")]
    skelgait_here(tmp_path, "heatmap")
    names = [f"f{t}" for t in range(1, 5)]
    silhouettes = PickleTreeWriter(tmp_path / "silhouettes")
    silhouettes.write(Key("anna", "bag", "left"), np.full((4, 64, 64), 255, np.uint8), frame_names=names)
    skelgait_here(tmp_path, *shlex.split(paired))
    assert len(open_pairs(tmp_path / "pairs").read(Key("anna", "bag", "left"))[0]) == 4
    smpl = np.zeros((139, 85), np.float32)
    PickleTreeWriter(tmp_path / "Gait3D-SMPL").write(Key("0000", "camid0_videoid2", "seq0"), smpl)
    (shown,) = re.findall(r"\$ skelgait inspect Gait3D-SMPL\n(.*?)```", RAW_DATA, re.DOTALL)
    assert skelgait_here(tmp_path, *shlex.split(looked)) == shown


TRAINING = {
    "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
    "sampling": {"identities_per_batch": 2, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
    "iterations": 2,
    "log_every": 1,
    "save_every": 1,
    "eval_during_training": True,
    "tensorboard": True,
    "num_workers": 0,
    "device": "cpu",
}


@pytest.mark.slow
def test_training(tmp_path: Path) -> None:
    for extra in ("matplotlib", "tensorboard"):
        pytest.importorskip(extra, reason=f"{extra} is not installed")
    write_dataset(tmp_path, "SUSTech1K", people=8)
    (tmp_path / "skelgait.yaml").write_text(json.dumps({"partition": "partition.json", "train": TRAINING}))
    skelgait_here(tmp_path, "heatmap", "--dataset", "SUSTech1K")
    skelgait_here(tmp_path, "link", "--dataset", "SUSTech1K")
    page = (GUIDE / "training.md").read_text(encoding="utf-8")
    commands = [shlex.split(line) for line in re.findall(r"^\$ skelgait (.*)$", page, re.MULTILINE)]
    first, resumed, changed, validated, best, table, plot, checkpoint, evaluated, begun = commands
    skelgait_here(tmp_path, *first)
    skelgait_here(tmp_path, *resumed, "--iterations", 3)
    skelgait_here(tmp_path, *best)
    run = tmp_path / "runs" / "SUSTech1K_skeletongait++"
    files = re.findall(r"^\| `([\w./]+)`", page[: page.index("## Stop and resume")], re.MULTILINE)
    assert sorted(path.name + "/" * path.is_dir() for path in run.iterdir()) == sorted(files)

    run.with_name("first").symlink_to(run)
    skelgait_here(tmp_path, *first, "--run-name", "second", "--seed", 1)
    assert "train.seed" in skelgait_here(tmp_path, *table)
    skelgait_here(tmp_path, *plot)
    assert cv2.imread(str(tmp_path / "runs.png")).any()

    (tmp_path / "SkeletonGait-60000.pt").write_bytes((run / "checkpoints" / "checkpoint-000003.pt").read_bytes())
    assert "skeletongait++" in skelgait_here(tmp_path, *checkpoint)
    own = ("--dataset", "SUSTech1K", "--network", "skeletongait++")
    skelgait_here(tmp_path, *evaluated, *own)
    (tmp_path / "mine.json").write_bytes((tmp_path / "partition.json").read_bytes())
    skelgait_here(tmp_path, *begun, *own, "--preset", "skeletongait++_tiny")
    assert "training from the weights of" in (tmp_path / "runs" / "mine" / "log.txt").read_text()
    skelgait_here(tmp_path, *changed, "--iterations", 3)
    assert "train.optimizer.learning_rate" in (tmp_path / "runs" / "mine" / "run.json").read_text()
    skelgait_here(tmp_path, *validated, "--val-share", 0.5, "--run-name", "validated")


@pytest.mark.slow
def test_evaluation(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    write_dataset(tmp_path, "SUSTech1K", people=6)
    settings = {
        "partition": "partition.json",
        "train": {**TRAINING, "tensorboard": False, "eval_during_training": False},
    }
    (tmp_path / "skelgait.yaml").write_text(json.dumps(settings))
    own = ("--dataset", "SUSTech1K")
    skelgait_here(tmp_path, "heatmap", *own)
    skelgait_here(tmp_path, "link", *own)
    for network in ("skeletongait", "skeletongait++"):
        skelgait_here(tmp_path, "train", *own, "--network", network)
    page = (GUIDE / "evaluation.md").read_text(encoding="utf-8")
    evaluated, *questions, compared = [
        shlex.split(line) for line in re.findall(r"^\$ skelgait (.*)$", page, re.MULTILINE)
    ]
    assert "Report" in skelgait_here(tmp_path, *evaluated)
    report = tmp_path / "runs" / "SUSTech1K_skeletongait++" / "report"
    for pattern in re.findall(r"^\| `(report.*|\*.png)`", page, re.MULTILINE)[0].split("`, `"):
        assert list(report.glob(pattern)), pattern
    (known, *_) = json.loads((tmp_path / "partition.json").read_text())["TEST_SET"]
    for command in questions:
        words = [word.replace("poses/0006", f"poses/{known}") for word in command]
        out = skelgait_here(tmp_path, *words)
    assert "impostors" in out
    assert (tmp_path / "ranking.csv").read_text().startswith("probe,rank,identity,sequence,distance,accepted")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    python = [sys.executable, "-c", program + "\nprint(tuple(first.shape), report.tables[0].title)"]
    run = subprocess.run(
        python, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "By view pair" in run.stdout
    for name, network in (("first", "skeletongait"), ("second", "skeletongait++")):
        skelgait_here(tmp_path, "evaluate", *own, "--network", network, "--report", name)
    assert "second - first" in skelgait_here(tmp_path, *compared)
