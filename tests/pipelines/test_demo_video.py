"""`skelgait demo --video`, on painted videos and with untrained weights, and the network that it uses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skelgait.checkpoints.checkpoint import load_checkpoint
from skelgait.cli import app
from skelgait.pipelines import first_network
from skelgait.pipelines.embedder import Embedder
from skelgait.pipelines.first_network import find_first_network, synthetic_batches, train_on, untrained_network
from skelgait.storage import Key, open_source
from skelgait.video import registry
from tests.commands import cli_runner
from tests.video.painted import PaintedEstimator, walks, write_video

FLAGS = ("--out", "demo", "--quick", "--set", "video.estimator=painted")


@pytest.fixture(autouse=True)
def _workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(registry.ESTIMATORS, "painted", lambda *_: PaintedEstimator)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(first_network, "train_on", lambda _batches, seed, *_: untrained_network(seed))
    monkeypatch.chdir(tmp_path)


def run(*args: str, code: int = 0) -> tuple[str, str]:
    result = cli_runner().invoke(app, ["demo", *args, *FLAGS])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_halves_of_the_people_in_a_video_are_compared() -> None:
    write_video(Path("both.mp4"), walks(72, 2))
    report = json.loads(run("--video", "both.mp4", "--json")[0])
    assert [person["person"] for person in report["people"]] == ["00-p1", "00-p2"]
    source, embedder = open_source("demo/poses", "pose"), Embedder(report["network"], device="cpu")
    halves = []
    for name in report["compared"]:
        frames = source.read(Key("both", "00", name))[0][::5]  # 6 of 30 frames per second
        halves.append([embedder(half)[0] for half in (frames[: len(frames) // 2], frames[len(frames) // 2 :])])
    for row, (first, _) in zip(report["distances"], halves, strict=True):
        for distance, (_, second) in zip(row, halves, strict=True):
            expected = np.mean([np.linalg.norm(first[:, s] - second[:, s]) for s in range(first.shape[1])])
            assert distance == pytest.approx(expected, abs=1e-4)
    assert Path(report["sheet"]).is_file()


def test_resumed_demo_shows_distances_and_does_not_read_the_video_again() -> None:
    write_video(Path("both.mp4"), walks(72, 2))
    run("--video", "both.mp4")
    (network,) = Path("cache/skelgait").glob("first_network*.pt")
    modified_ns = network.stat().st_mtime_ns
    out, err = run("--video", "both.mp4", "--resume")
    assert "[1/4] People in the video (finished earlier)" in err
    assert network.stat().st_mtime_ns == modified_ns
    assert "first halves are nearest to the second half of the same person." in out
    assert "identifies nobody" in out


def test_one_person_has_nobody_to_be_confused_with() -> None:
    write_video(Path("one.mp4"), walks(72, 1))
    assert "there is nobody to confuse them with" in run("--video", "one.mp4")[0]


def test_short_video_and_missing_video_are_refused() -> None:
    write_video(Path("short.mp4"), walks(20, 1))
    assert "short.mp4: found nobody who is seen for 1.3 seconds, expected a person" in run(
        "--video", "short.mp4", code=1
    )[1].replace("\n", " ")
    assert "none.mp4: found no such file, expected a video file; check --video" in run("--video", "none.mp4", code=1)[
        1
    ].replace("\n", " ")


def test_network_is_trained_once_and_kept_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    path = find_first_network(7, 3)
    assert path == Path.cwd() / "cache/skelgait/first_network-seed7-steps3.pt"
    weights = load_checkpoint(path).weights
    assert all((weights[name] == value).all() for name, value in untrained_network(7).state_dict().items())
    monkeypatch.delattr(first_network, "train_on")
    assert find_first_network(7, 3) == path


def test_training_changes_all_layers_before_the_classifier() -> None:
    before, after = (network.state_dict() for network in (untrained_network(0), train_on(synthetic_batches(0), 0, 2)))
    same = [name for name, value in before.items() if (value == after[name]).all()]
    assert all(name.startswith("neck.") for name in same)


def test_batches_have_new_walks_of_several_people() -> None:
    batches = synthetic_batches(5)
    first, second = next(batches), next(batches)
    assert first.maps.shape == (24, 4, 2, 64, 44)
    assert first.labels.tolist() == sorted(list(range(8)) * 3)
    assert (first.maps != second.maps).any()
    np.testing.assert_array_equal(first.maps, next(synthetic_batches(5)).maps)
