"""Logger for TensorBoard."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.errors import SettingsError
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.training import train
from skelgait.training.tensorboard import TensorBoardLogger, frame_grid
from tests.synthetic_data import write_random_maps


@pytest.mark.parametrize("n_frames", [1, 3, 8, 30])
def test_frame_grid_has_a_row_per_channel(n_frames: int) -> None:
    frames = torch.arange(n_frames, dtype=torch.uint8)[:, None, None, None].repeat(1, 2, 4, 3)
    frames[:, 1] += 100
    grid = frame_grid(frames)
    shown = min(n_frames, 8)
    assert grid.shape == (8, 3 * shown)
    assert grid[0, 0] == 0
    assert (grid[4:] == grid[:4] + 100).all()
    assert list(grid[0, ::3]) == sorted(set(np.linspace(0, n_frames - 1, shown).round().astype(int)))


def test_missing_tensorboard_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(SettingsError, match=r'found no tensorboard.*pip install "skelgait\[tensorboard\]"'):
        TensorBoardLogger(tmp_path, 0)


def test_run_writes_events(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write_random_maps(tmp_path / "maps")
    settings = TrainSettings.model_validate(
        {
            "network": {"channels": [4, 8, 8, 8], "embedding_width": 8},
            "sampling": {"identities_per_batch": 2, "sequences_per_identity": 2, "clip_len": 4, "skip": 1},
            "iterations": 4, "log_every": 2, "save_every": 2, "num_workers": 0, "tensorboard": True,
        }
    )  # fmt: skip
    report = {"tables": [{"groups": [{"name": "a", "metrics": {"rank_1": 0.5}}]}]}
    maps = open_source(tmp_path / "maps", "map")
    train(maps, {"000", "001"}, tmp_path / "run", settings, torch.device("cpu"), evaluate=lambda *_: report)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("triplet/loss")] == [2, 4]
    assert [event.value for event in events.Scalars("test/rank_1")] == [0.5, 0.5]
    assert events.Images("frames")[0].height == 128
