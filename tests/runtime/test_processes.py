"""Process groups, devices and random numbers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from skelgait.errors import SettingsError
from skelgait.models import build_network
from skelgait.models.cpu.sync_batch_norm import synchronize_batch_norm
from skelgait.runtime.cores import usable_cores
from skelgait.runtime.devices import exact_convolutions, pick_device
from skelgait.runtime.process_group import is_main
from skelgait.runtime.processes import gather_objects, join_processes, world_size
from skelgait.runtime.rng import rng_for
from tests.paths import ROOT


def test_single_process_is_main_and_gathers_its_own_item() -> None:
    with join_processes(torch.device("cpu")):
        assert (world_size(), is_main(), gather_objects("x")) == (1, True, ["x"])


@pytest.mark.slow
def test_batch_norm_of_two_processes_equals_one(tmp_path: Path) -> None:
    script = Path(__file__).with_name("two_processes.py")
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    # Also fails if the processes do not exit cleanly.
    subprocess.run([sys.executable, *command, str(tmp_path / "out.pt")], env=environment, check=True, timeout=120)
    saved = torch.load(tmp_path / "out.pt", weights_only=True)
    parts, alone = saved["parts"], saved["alone"]
    for name in ("output", "gradient"):
        torch.testing.assert_close(torch.cat([part[name] for part in parts]), alone[name], rtol=1e-5, atol=1e-5)
    for part in parts:
        for name in ("0.running_mean", "0.running_var", "0.num_batches_tracked"):
            torch.testing.assert_close(part[name], alone[name], rtol=1e-5, atol=1e-6)


def test_unavailable_devices_are_rejected() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    for name in ("cuda", "mps"):
        available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}[name]
        if not available:
            with pytest.raises(SettingsError, match=f"--device: found {name}, expected one of .*use --device auto"):
                pick_device(name)


@pytest.mark.parametrize(("device", "inside"), [("cuda", (False, True)), ("cpu", (True, False))])
def test_convolutions_on_cuda_are_exact_inside_the_block_alone(device: str, inside: tuple[bool, bool]) -> None:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, cudnn.deterministic
    with exact_convolutions(torch.device(device)):
        assert (cudnn.allow_tf32, cudnn.deterministic) == inside
    assert (cudnn.allow_tf32, cudnn.deterministic) == before == (True, False)


def test_random_numbers_depend_only_on_seed_and_position() -> None:
    assert rng_for(1, 2).random() == rng_for(1, 2).random()
    positions = [(), (0,), (0, 0), (1,), (1, 0), (0, 1), (2, 3)]
    assert len({rng_for(7, *position).random() for position in positions}) == len(positions)


def test_at_least_one_core_is_usable() -> None:
    assert usable_cores() >= 1


@pytest.mark.parametrize("n_devices", [1, 2])
def test_more_processes_than_cuda_devices_are_refused(n_devices: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "3", "LOCAL_WORLD_SIZE": "3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_devices)
    message = f"--nproc: .*3.*at most {n_devices}.*use --nproc {n_devices}, or --device cpu"
    with pytest.raises(SettingsError, match=message), join_processes(torch.device("cuda", 0)):
        pass


def test_processes_on_cuda_without_nccl_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.distributed, "is_nccl_available", lambda: False)
    message = "--nproc: found a PyTorch without NCCL, .*use --nproc 1, or --device cpu"
    with pytest.raises(SettingsError, match=message), join_processes(torch.device("cuda", 0)):
        pass


def test_batch_norm_on_cuda_is_that_of_torch_with_the_same_parameters() -> None:
    network = build_network("skeletongait++", channels=(16, 4, 4, 4), blocks=(1, 1, 1, 1), classes=2)
    before, names = list(map(id, network.parameters())), list(network.state_dict())
    assert synchronize_batch_norm(network, torch.device("cuda", 0)) is network
    assert (list(map(id, network.parameters())), list(network.state_dict())) == (before, names)
    layers = [layer for layer in network.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)]
    assert layers
    assert all(type(layer) is nn.SyncBatchNorm for layer in layers)
