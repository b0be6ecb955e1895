"""Training step of a linear map, in one process or in several that divide the batch."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from skelgait.losses import GaitLoss
from tests.losses.outputs import Output

N_SEQUENCES, N_STRIPS, N_CLASSES = 8, 3, 4
LABELS = torch.tensor([0, 1, 0, 2, 1, 2, 3, 3])  # every identity except the last is on both ranks


class Network(nn.Module):
    """Network without interaction between sequences."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Linear(5, 6).double()
        self.logits = nn.Linear(6, N_CLASSES).double()

    def forward(self, features: Tensor) -> Output:
        embedding = self.embedding(features)
        return Output(0.3 * embedding.permute(0, 2, 1), self.logits(embedding).permute(0, 2, 1))


def gradients(rank: int, ranks: int) -> dict[str, Tensor]:
    """Return gradients of the loss of this rank's share of the batch, and the logged triplet terms."""
    features = torch.randn(N_SEQUENCES, N_STRIPS, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    network = Network()
    report = GaitLoss()(network(features[rank::ranks]), LABELS[rank::ranks])
    report.total.backward()
    grads = {name: value.grad for name, value in network.named_parameters() if value.grad is not None}
    return grads | {name: term for name, term in report.terms.items() if name.startswith("triplet")}


def work(rank: int, ranks: int, folder: str) -> None:
    """Compute gradients in one of several processes, and save them under its rank."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=ranks)
    try:
        torch.save(gradients(rank, ranks), Path(folder) / f"{rank}.pt")
    finally:
        dist.destroy_process_group()
