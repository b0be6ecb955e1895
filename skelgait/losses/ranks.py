"""Batches that are distributed over several processes."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def world_size() -> int:
    """Return the number of processes that train together; 1 without torch.distributed."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def gather(rows: Tensor) -> Tensor:
    """Return the rows of all ranks, in the order of the ranks. The gradient goes to the rows of this rank only.

    Args:
        rows: (N, ...), with the same N on every rank.

    Returns:
        (N * world size, ...); `rows` itself in a single process.
    """
    if world_size() == 1:
        return rows
    shards = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(world_size())]
    dist.all_gather(shards, rows.detach().contiguous())
    shards[dist.get_rank()] = rows
    return torch.cat(shards)
