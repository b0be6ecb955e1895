"""Batch-all triplet loss, compared with plain loops over triplets."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from skelgait.losses import TripletTerms, batch_all_triplet_loss

MARGIN = 0.2


def by_loops(embedding: Tensor, labels: list[int]) -> TripletTerms:
    """Compute every triplet separately; an anchor is also its own positive."""
    n_sequences, _, n_strips = embedding.shape
    columns: list[list[float]] = []
    for s in range(n_strips):
        points = embedding[:, :, s].tolist()
        distances = [[float(np.linalg.norm(np.subtract(a, b))) for b in points] for a in points]
        hinges = [
            max(0.0, MARGIN + distances[a][p] - distances[a][n])
            for a in range(n_sequences)
            for p in range(n_sequences)
            for n in range(n_sequences)
            if labels[p] == labels[a] and labels[n] != labels[a]
        ]
        active = [hinge for hinge in hinges if hinge > 0]
        loss = sum(active) / len(active) if active else 0.0
        share = len(active) / len(hinges) if hinges else 0.0
        columns.append([loss, max(hinges, default=0.0), len(active), share, float(np.mean(distances))])
    return TripletTerms(*torch.tensor(columns, dtype=torch.float64).T)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([0], "no pair"),
        ([0, 0, 0], "no negative"),
        ([0, 1, 2], "only the anchor as positive"),
        ([0, 0, 1, 1], "batch of OpenGait's test"),
        ([3, 1, 3, 1, 1, 2], "unequal numbers, not sorted"),
    ],
)
@pytest.mark.parametrize("spread", [0.01, 0.1, 1.0])
def test_loss_equals_loops(labels: list[int], why: str, spread: float) -> None:
    random = torch.Generator().manual_seed(len(labels))
    embedding = spread * torch.randn(len(labels), 6, 3, dtype=torch.float64, generator=random)
    ours = batch_all_triplet_loss(embedding, torch.tensor(labels), MARGIN)
    torch.testing.assert_close(tuple(ours), tuple(by_loops(embedding, labels)), msg=why)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 2**31))
def test_loss_equals_loops_for_random_labels(labels: list[int], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    embedding = 0.2 * torch.randn(len(labels), 4, 2, dtype=torch.float64, generator=random)
    ours = batch_all_triplet_loss(embedding, torch.tensor(labels), MARGIN)
    torch.testing.assert_close(tuple(ours), tuple(by_loops(embedding, labels)))


def test_strips_are_independent() -> None:
    embedding, labels = torch.randn(6, 8, 4), torch.tensor([0, 0, 1, 1, 2, 2])
    all_strips = batch_all_triplet_loss(embedding, labels, MARGIN)
    for s in range(4):
        one_strip = batch_all_triplet_loss(embedding[:, :, s : s + 1], labels, MARGIN)
        torch.testing.assert_close(torch.stack([term[s] for term in all_strips]), torch.cat(list(one_strip)))


def test_loss_of_three_points_on_a_line() -> None:
    """Positions are 0 and 0.1 for one identity, and 0.25 for another."""
    embedding = torch.tensor([0.0, 0.1, 0.25])[:, None, None]
    terms = batch_all_triplet_loss(embedding, torch.tensor([0, 0, 1]), MARGIN)
    at_0 = [0.2 + 0.1 - 0.25]  # not active with itself as positive: 0.2 + 0 - 0.25
    at_01 = [0.2 + 0.1 - 0.15, 0.2 + 0 - 0.15]
    at_025 = [0.2 + 0 - 0.15]  # not active with 0 as negative: 0.2 + 0 - 0.25
    assert terms.n_active.item() == 4
    assert terms.loss.item() == pytest.approx(sum(at_0 + at_01 + at_025) / 4)
    assert terms.hard_loss.item() == pytest.approx(0.15)
    assert terms.mean_distance.item() == pytest.approx(2 * (0.1 + 0.25 + 0.15) / 9)


def test_gradient_equals_finite_differences() -> None:
    embedding = 0.1 * torch.randn(5, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    labels = torch.tensor([0, 0, 1, 1, 2])
    assert torch.autograd.gradcheck(
        lambda e: batch_all_triplet_loss(e, labels, MARGIN).loss, embedding.requires_grad_(), atol=1e-6
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_of_equal_embeddings_is_zero(dtype: torch.dtype) -> None:
    embedding = torch.ones(4, 8, 2, dtype=dtype, requires_grad=True)
    terms = batch_all_triplet_loss(embedding, torch.tensor([0, 0, 1, 1]), MARGIN)
    torch.testing.assert_close(terms.loss, torch.full((2,), MARGIN, dtype=dtype))
    assert terms.mean_distance.eq(0).all()
    terms.loss.sum().backward()
    assert embedding.grad is not None
    assert embedding.grad.eq(0).all()


def test_small_distances_are_exact() -> None:
    """|a|^2 + |b|^2 - 2ab would give 0 for a distance of 0.001 between embeddings of length 100."""
    embedding = torch.zeros(2, 4, 1)
    embedding[:, 0] = 100
    embedding[1, 1] = 1e-3
    terms = batch_all_triplet_loss(embedding, torch.tensor([0, 1]), MARGIN)
    assert terms.mean_distance.item() == pytest.approx(1e-3 / 2, rel=1e-5)


def test_memory_is_proportional_to_pairs_of_the_same_identity() -> None:
    """All triplets of 32 x 8 sequences and 16 strips would be 268 million values, 1 GB."""
    embedding = torch.randn(256, 8, 16, requires_grad=True)
    labels = torch.arange(32).repeat_interleave(8)
    sizes: list[int] = []

    def record(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda tensor: tensor):
        batch_all_triplet_loss(embedding, labels, MARGIN)
    assert max(sizes) <= 16 * (32 * 8 * 8) * 256
