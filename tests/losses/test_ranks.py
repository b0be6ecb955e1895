"""Loss in two processes, compared with one process on the whole batch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.multiprocessing.spawn import spawn

from skelgait.losses.ranks import gather, world_size
from tests.losses.two_ranks import gradients, work


def test_gather_in_one_process_returns_its_input() -> None:
    rows = torch.randn(3, 2)
    assert world_size() == 1
    assert gather(rows) is rows


def test_averaged_gradients_of_two_processes_equal_one_process(tmp_path: Path) -> None:
    """Average gradients as DistributedDataParallel does, and compare them and the logged terms with one process."""
    spawn(work, args=(2, str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    expected_gradients = gradients(rank=0, ranks=1)
    assert any(name.startswith("triplet") for name in expected_gradients)
    for name, expected in expected_gradients.items():
        torch.testing.assert_close((first[name] + second[name]) / 2, expected)
        if name.startswith("triplet"):
            torch.testing.assert_close(first[name], second[name])
        else:
            assert not torch.allclose(first[name], second[name]), name
