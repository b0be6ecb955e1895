"""Program for torchrun: batch norm of several processes and of one, saved by rank 0 to the given file."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from skelgait.models.cpu.sync_batch_norm import synchronize_batch_norm
from skelgait.runtime.process_group import is_main
from skelgait.runtime.processes import gather_objects, join_processes, rank, world_size


def normalized(layer: nn.Module, values: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return output, gradients and running statistics of a batch norm layer."""
    values = values.clone().requires_grad_()
    output = layer(values)
    (output * weights).sum().backward()
    return {"output": output.detach(), "gradient": values.grad, **{k: v.clone() for k, v in layer.state_dict().items()}}


def main(out: Path) -> None:
    """Compute batch norm of a batch that is shared between processes, and of the whole batch."""
    with join_processes(torch.device("cpu")):
        generator = torch.Generator().manual_seed(0)
        whole = 3 + 2 * torch.randn(8, 5, 6, 4, generator=generator)
        weights = torch.randn(8, 5, 6, 4, generator=generator)
        layer = synchronize_batch_norm(nn.Sequential(nn.BatchNorm2d(5)), torch.device("cpu"))
        part = normalized(layer, whole.chunk(world_size())[rank()], weights.chunk(world_size())[rank()])
        parts = gather_objects(part)
        if is_main():
            torch.save({"parts": parts, "alone": normalized(nn.Sequential(nn.BatchNorm2d(5)), whole, weights)}, out)
        step_together()
    if threads := sorted(gloo_threads()):
        # A thread that still runs while Python exits sometimes aborts the process.
        sys.exit(f"threads {threads} are running after the process group was destroyed")


def step_together() -> None:
    """Run one backward pass of a network that averages its gradients over processes."""
    nn.parallel.DistributedDataParallel(nn.Linear(3, 2))(torch.ones(4, 3)).sum().backward()


def gloo_threads() -> set[str]:
    """Return the names of gloo's threads in this process (on Linux only)."""
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    return {name for name in names if "gloo" in name}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
