"""Demo of the whole pipeline."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skelgait.errors import DataError
from skelgait.pipelines.demo import run_demo
from skelgait.settings.schema import DemoSettings


@pytest.mark.slow
def test_interrupted_quick_demo_is_resumed(tmp_path: Path) -> None:
    def interrupt(step: str) -> None:
        if step.startswith("[6/8]"):
            raise KeyboardInterrupt

    config = DemoSettings(out=tmp_path, quick=True)
    with pytest.raises(KeyboardInterrupt):
        run_demo(config, announce=interrupt)
    checkpoint = tmp_path / "runs/skeletongait/checkpoints/checkpoint-000006.pt"
    content = checkpoint.read_bytes()
    steps: list[str] = []
    report = run_demo(config.model_copy(update={"resume": True}), announce=steps.append)
    assert [step.endswith("(finished earlier)") for step in steps] == [True] * 5 + [False] * 3
    assert steps[-1] == "[8/8] Evaluation of skeletongait++"
    assert checkpoint.read_bytes() == content
    assert list(report.evaluations) == ["skeletongait", "skeletongait++"]
    assert report.sheet.is_file()


def test_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "poses").mkdir()
    with pytest.raises(DataError, match="found other files, expected an empty folder, or an earlier demo"):
        run_demo(DemoSettings(out=tmp_path))
    assert (tmp_path / "poses").is_dir()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "found no demo to resume"),
        ("{", "found no demo to resume"),
        (json.dumps({"seed": 0, "quick": False, "finished": []}), "found a demo with .*'quick': False"),
    ],
)
def test_missing_or_other_demo_is_not_resumed(tmp_path: Path, state: str | None, message: str) -> None:
    if state is not None:
        (tmp_path / "demo.json").write_text(state)
    with pytest.raises(DataError, match=rf"demo\.json: {message}.*; run it without --resume"):
        run_demo(DemoSettings(out=tmp_path, quick=True, resume=True))
