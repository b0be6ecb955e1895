"""Several processes that work together."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from skelgait.errors import SettingsError
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.devices import pick_device
from skelgait.runtime.processes import gather_objects, is_main, join_processes, world_size
from skelgait.runtime.rng import rng_for
from tests.paths import ROOT


def test_alone() -> None:
    with join_processes(torch.device("cpu")):
        assert (world_size(), is_main(), gather_objects("x")) == (1, True, ["x"])


@pytest.mark.slow
def test_batch_norm_over_two_processes_is_that_of_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    # Fails too where the processes do not end cleanly.
    subprocess.run([sys.executable, *command, str(tmp_path / "out.pt")], env=environment, check=True, timeout=120)
    saved = torch.load(tmp_path / "out.pt", weights_only=True)
    parts, alone = saved["parts"], saved["alone"]
    for name in ("output", "gradient"):
        torch.testing.assert_close(torch.cat([part[name] for part in parts]), alone[name], rtol=1e-5, atol=1e-5)
    for part in parts:
        for name in ("0.running_mean", "0.running_var", "0.num_batches_tracked"):
            torch.testing.assert_close(part[name], alone[name], rtol=1e-5, atol=1e-6)


def test_devices() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("cuda", "mps"):
        available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[name]
        if not available:
            with pytest.raises(SettingsError, match=f"--device: found {name}, expected one of .*use --device auto"):
                pick_device(name)


def test_draws_depend_on_nothing_but_their_place() -> None:
    assert rng_for(1, 2).random() == rng_for(1, 2).random()
    places = [(), (0,), (0, 0), (1,), (1, 0), (0, 1), (2, 3)]
    assert len({rng_for(7, *place).random() for place in places}) == len(places)


def test_there_is_a_core() -> None:
    assert usable_cores() >= 1
