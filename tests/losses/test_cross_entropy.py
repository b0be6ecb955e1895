"""Cross entropy and accuracy, compared with plain loops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from skelgait.losses import accuracy, cross_entropy_loss
from tests.losses.outputs import output_of


def cross_entropy_by_loops(logits: Tensor, labels: list[int], scale: float, smoothing: float) -> float:
    n_sequences, n_classes, n_strips = logits.shape
    losses = []
    for n in range(n_sequences):
        for s in range(n_strips):
            scaled = [scale * logit for logit in logits[n, :, s].tolist()]
            normalizer = math.log(sum(math.exp(logit) for logit in scaled))
            for k in range(n_classes):
                target = smoothing / n_classes + (1 - smoothing) * (k == labels[n])
                losses.append(target * (normalizer - scaled[k]))
    return sum(losses) / (n_sequences * n_strips)


@pytest.mark.parametrize("labels", [[0], [4, 4], [3, 1, 0, 2]])
@pytest.mark.parametrize(("scale", "smoothing"), [(1.0, 0.0), (16.0, 0.1)])
def test_cross_entropy_equals_loops(labels: list[int], scale: float, smoothing: float) -> None:
    logits = output_of(len(labels)).logits
    loss = cross_entropy_loss(logits, torch.tensor(labels), scale, smoothing)
    assert loss.item() == pytest.approx(cross_entropy_by_loops(logits, labels, scale, smoothing))


def test_accuracy_counts_strips() -> None:
    first = [[0.1, 0.9], [0.2, 0.0]]  # 2 classes x 2 strips: class 1 in the first strip, class 0 in the second
    second = [[0.5, 0.5], [0.6, 0.6]]  # class 1 in both
    logits = torch.tensor([first, second])
    assert accuracy(logits, torch.tensor([0, 0])).item() == 0.25
    assert accuracy(logits, torch.tensor([0, 1])).item() == 0.75
    assert accuracy(logits[1:], torch.tensor([1])).item() == 1.0
