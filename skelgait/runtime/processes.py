"""Process group of torch.distributed, as the launcher's environment variables describe it."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from skelgait.errors import SettingsError
from skelgait.runtime.launch import EXIT_PEER_FAILED, launched
from skelgait.runtime.parent import end_with_launcher
from skelgait.runtime.process_group import ProcessGroup

# Error messages of torch's backends after another process has closed its connection.
_DISCONNECT_MESSAGES = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process has exited",
)


def rank() -> int:
    """Return the rank of this process; 0 without a process group."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """Return the number of processes; 1 without a process group."""
    return dist.get_world_size() if dist.is_initialized() else 1


@contextmanager
def join_processes(device: torch.device) -> Iterator[None]:
    """Join the process group of the launcher while the block runs; do nothing without a launcher.

    CUDA tensors are exchanged with NCCL, all others with gloo. Every process must enter and leave the block. If one
    leaves it with an error, the others exit silently with code `EXIT_PEER_FAILED`.

    Args:
        device: device of this process.

    Raises:
        SettingsError: if this machine has fewer CUDA devices than processes, or if PyTorch has no NCCL.
    """
    if not launched():
        yield
        return
    if device.type == "cuda":
        _refuse_shared_devices()
        _refuse_missing_nccl()
    end_with_launcher()
    # Functions of this module keep the group that exists at import time. If DistributedDataParallel imported it later,
    # the group would outlive its destruction, and its threads could abort the exit.
    import torch.distributed.nn.functional  # noqa: F401

    # A long timeout, because all processes wait while rank 0 writes or evaluates.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(hours=2))
    try:
        yield
    except RuntimeError as error:
        if any(message in str(error) for message in _DISCONNECT_MESSAGES):
            raise SystemExit(EXIT_PEER_FAILED) from error
        raise
    finally:
        # DistributedDataParallel keeps the group alive in reference cycles.
        gc.collect()
        dist.destroy_process_group()


def _refuse_shared_devices() -> None:
    """Raise an error if two processes of this machine would share a CUDA device, where NCCL fails or waits forever."""
    processes, devices = int(os.environ.get("LOCAL_WORLD_SIZE", "1")), torch.cuda.device_count()
    if processes > devices:
        hint = f"use --nproc {devices}, or --device cpu"
        raise SettingsError("--nproc", str(processes), f"at most {devices}, the number of CUDA devices here", hint)


def _refuse_missing_nccl() -> None:
    """Raise an error if PyTorch cannot exchange CUDA tensors, as on Windows."""
    if not dist.is_nccl_available():
        hint = "use --nproc 1, or --device cpu"
        raise SettingsError("--nproc", "a PyTorch without NCCL", "NCCL, which PyTorch has on Linux alone", hint)


def gather_objects(item: Any) -> list[Any]:
    """Return the items of all processes, in order of rank."""
    if world_size() == 1:
        return [item]
    items: list[Any] = [None] * world_size()
    dist.all_gather_object(items, item)
    return items


def joined_group() -> ProcessGroup:
    """Return the process group that this process has joined; alone, a group of one process."""
    return ProcessGroup(rank(), world_size(), gather_objects)


def any_process(flag: bool) -> bool:
    """Return True if `flag` is True in any process. Uses the CPU, so that no device has to synchronize."""
    if world_size() == 1:
        return flag
    flags = torch.tensor(int(flag))
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags)


def wait_for_all() -> None:
    """Wait until all processes have come here."""
    any_process(False)


def mean_over_processes(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the mean of each scalar over all processes."""
    if world_size() == 1 or not values:
        return values
    stacked = torch.stack([value.float() for value in values.values()])
    dist.all_reduce(stacked)
    return dict(zip(values, stacked / world_size(), strict=True))
