"""Two real processes give the gradient of one on the whole batch."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.multiprocessing.spawn import spawn

from skelgait.losses.ranks import gather, world_size
from tests.losses.two_ranks import gradients, work


def test_one_process_gathers_nothing() -> None:
    rows = torch.randn(3, 2)
    assert world_size() == 1
    assert gather(rows) is rows


def test_averaged_gradients_of_two_processes(tmp_path: Path) -> None:
    """As DistributedDataParallel averages them: those of the whole batch in one process, and the same logged terms."""
    spawn(work, args=(2, str(tmp_path)), nprocs=2)
    first, second = (torch.load(tmp_path / f"{rank}.pt") for rank in range(2))
    whole = gradients(rank=0, ranks=1)
    assert any(name.startswith("triplet") for name in whole)
    for name, expected in whole.items():
        torch.testing.assert_close((first[name] + second[name]) / 2, expected)
        if name.startswith("triplet"):
            torch.testing.assert_close(first[name], second[name])
        else:
            assert not torch.allclose(first[name], second[name]), name
