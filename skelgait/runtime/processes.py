"""The processes that work together: as torchrun describes them in the environment, or this one alone."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from skelgait.runtime.launch import EXIT_PEER_FAILED, launched
from skelgait.runtime.process_group import ProcessGroup

# What the errors of torch's backends say when the other end of a connection is gone.
_DISCONNECT_MESSAGES = (
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "remote process has exited",
)


def rank() -> int:
    """This process among all; 0 where it is alone."""
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    """The number of processes; 1 where this one is alone."""
    return dist.get_world_size() if dist.is_initialized() else 1


def is_main() -> bool:
    """Whether this process writes files and reports."""
    return rank() == 0


@contextmanager
def join_processes(device: torch.device) -> Iterator[None]:
    """Work together with the other processes that the launcher started, if it did.

    NCCL carries CUDA tensors and gloo all others. Every process must enter and leave. Where one
    has left with an error, the others end quietly, with exit code `EXIT_PEER_FAILED`.
    """
    if not launched():
        yield
        return
    # Imported here, since its functions keep the group that exists when they are defined: were it imported later, as
    # DistributedDataParallel does, the group would outlive its destruction, and its threads could abort the exit.
    import torch.distributed.nn.functional  # noqa: F401

    # Long, since all processes wait while the first one writes or evaluates.
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(hours=2))
    try:
        yield
    except RuntimeError as error:
        if any(sign in str(error) for sign in _DISCONNECT_MESSAGES):
            raise SystemExit(EXIT_PEER_FAILED) from error
        raise
    finally:
        # DistributedDataParallel holds the group in reference cycles.
        gc.collect()
        dist.destroy_process_group()


def gather_objects(item: Any) -> list[Any]:
    """What every process holds, in order of rank."""
    if world_size() == 1:
        return [item]
    items: list[Any] = [None] * world_size()
    dist.all_gather_object(items, item)
    return items


def process_group() -> ProcessGroup:
    """The processes that work together."""
    return ProcessGroup(rank(), world_size(), gather_objects)


def any_process(flag: bool) -> bool:
    """Whether `flag` is set in any process; on the CPU, so that no device has to wait."""
    if world_size() == 1:
        return flag
    flags = torch.tensor(int(flag))
    dist.all_reduce(flags, dist.ReduceOp.MAX)
    return bool(flags)


def mean_over_processes(values: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The mean of each scalar over all processes."""
    if world_size() == 1 or not values:
        return values
    stacked = torch.stack([value.float() for value in values.values()])
    dist.all_reduce(stacked)
    return dict(zip(values, stacked / world_size(), strict=True))
