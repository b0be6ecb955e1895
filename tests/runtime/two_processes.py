"""Run by torchrun in tests: what several processes compute together, written by the first one to the file given."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import nn

from skelgait.models.cpu.sync_batch_norm import synchronize_batch_norm
from skelgait.runtime.processes import gather_objects, is_main, join_processes, rank, world_size


def normalized(layer: nn.Module, values: torch.Tensor, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Output, gradients and running statistics of a batch norm layer."""
    values = values.clone().requires_grad_()
    output = layer(values)
    (output * weights).sum().backward()
    return {"output": output.detach(), "gradient": values.grad, **{k: v.clone() for k, v in layer.state_dict().items()}}


def main(out: Path) -> None:
    """Compare the two halves of a batch with the whole of it."""
    with join_processes(torch.device("cpu")):
        generator = torch.Generator().manual_seed(0)
        whole = 3 + 2 * torch.randn(8, 5, 6, 4, generator=generator)
        weights = torch.randn(8, 5, 6, 4, generator=generator)
        layer = synchronize_batch_norm(nn.Sequential(nn.BatchNorm2d(5)), torch.device("cpu"))
        own = normalized(layer, whole.chunk(world_size())[rank()], weights.chunk(world_size())[rank()])
        parts = gather_objects(own)
        if is_main():
            torch.save({"parts": parts, "alone": normalized(nn.Sequential(nn.BatchNorm2d(5)), whole, weights)}, out)
        step_together()
    if left := sorted(threads_of_the_group()):
        # Such a thread, still at work while Python ends, aborts the process now and then.
        sys.exit(f"the process group is gone, its threads {left} are not")


def step_together() -> None:
    """One backward pass of a network that averages its gradients over processes."""
    nn.parallel.DistributedDataParallel(nn.Linear(3, 2))(torch.ones(4, 3)).sum().backward()


def threads_of_the_group() -> set[str]:
    """Names of this process's threads that belong to gloo (known on Linux only)."""
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    return {name for name in names if "gloo" in name}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
