"""Cross entropy, and the sum of both losses."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from skelgait.losses import GaitLoss, accuracy, batch_all_triplet_loss, cross_entropy_loss


class Output(NamedTuple):
    embedding: Tensor
    logits: Tensor


def output_of(n_sequences: int) -> Output:
    random = torch.Generator().manual_seed(n_sequences)
    embedding = torch.randn(n_sequences, 6, 3, generator=random, dtype=torch.float64)
    logits = torch.rand(n_sequences, 5, 3, generator=random, dtype=torch.float64) * 2 - 1
    return Output(embedding.requires_grad_(), logits.requires_grad_())


def cross_entropy_by_loops(logits: Tensor, labels: list[int], scale: float, smoothing: float) -> float:
    n_sequences, n_classes, n_strips = logits.shape
    losses = []
    for n in range(n_sequences):
        for s in range(n_strips):
            scaled = [scale * logit for logit in logits[n, :, s].tolist()]
            normalizer = math.log(sum(math.exp(logit) for logit in scaled))
            for k in range(n_classes):
                wanted = smoothing / n_classes + (1 - smoothing) * (k == labels[n])
                losses.append(wanted * (normalizer - scaled[k]))
    return sum(losses) / (n_sequences * n_strips)


@pytest.mark.parametrize("labels", [[0], [4, 4], [3, 1, 0, 2]])
@pytest.mark.parametrize(("scale", "smoothing"), [(1.0, 0.0), (16.0, 0.1)])
def test_cross_entropy(labels: list[int], scale: float, smoothing: float) -> None:
    logits = output_of(len(labels)).logits
    loss = cross_entropy_loss(logits, torch.tensor(labels), scale, smoothing)
    assert loss.item() == pytest.approx(cross_entropy_by_loops(logits, labels, scale, smoothing))


def test_accuracy() -> None:
    first = [[0.1, 0.9], [0.2, 0.0]]  # 2 classes x 2 strips: class 1 in the first strip, class 0 in the second
    second = [[0.5, 0.5], [0.6, 0.6]]  # class 1 in both
    logits = torch.tensor([first, second])
    assert accuracy(logits, torch.tensor([0, 0])).item() == 0.25
    assert accuracy(logits, torch.tensor([0, 1])).item() == 0.75
    assert accuracy(logits[1:], torch.tensor([1])).item() == 1.0


def test_weighted_sum_and_terms() -> None:
    output, labels = output_of(6), torch.tensor([0, 0, 1, 1, 4, 4])
    report = GaitLoss(triplet_weight=2.0, margin=0.3, cross_entropy_weight=0.5, scale=8.0, label_smoothing=0.2)(
        output, labels
    )
    triplet = batch_all_triplet_loss(output.embedding, labels, margin=0.3)
    cross_entropy = cross_entropy_loss(output.logits, labels, 8.0, 0.2)
    torch.testing.assert_close(report.total, 2 * triplet.loss.mean() + 0.5 * cross_entropy)
    expected = {
        "triplet/loss": triplet.loss.mean(),
        "triplet/hard_loss": triplet.hard_loss.mean(),
        "triplet/n_active": triplet.n_active.mean(),
        "triplet/active_share": triplet.active_share.mean(),
        "triplet/mean_distance": triplet.mean_distance.mean(),
        "cross_entropy/loss": cross_entropy,
        "cross_entropy/accuracy": accuracy(output.logits, labels),
    }
    assert list(report.terms) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(report.terms[name], value.detach())
        assert not report.terms[name].requires_grad


def test_gradients_go_where_they_belong() -> None:
    output, labels = output_of(4), torch.tensor([0, 0, 1, 1])
    GaitLoss(triplet_weight=0.0)(output, labels).total.backward()
    assert not output.embedding.grad.any()
    assert output.logits.grad.any()
    output = output_of(4)
    GaitLoss(cross_entropy_weight=0.0)(output, labels).total.backward()
    assert output.embedding.grad.any()
    assert not output.logits.grad.any()
