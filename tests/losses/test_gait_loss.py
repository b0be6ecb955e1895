"""Weighted sum of losses, and the registry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from skelgait.errors import SettingsError
from skelgait.losses import (
    LOSSES,
    GaitLoss,
    LossTerms,
    accuracy,
    batch_all_triplet_loss,
    cross_entropy_loss,
    register_loss,
)
from tests.losses.outputs import Output, output_of


@dataclass(frozen=True)
class NormLoss:
    """Mean length of the embeddings, times a factor."""

    factor: float = 2.0
    over_all_ranks = False

    def __call__(self, output: Output, labels: Tensor) -> LossTerms:
        length = output.embedding.norm(dim=1).mean()
        return LossTerms(self.factor * length, {"length": length.detach()})


@pytest.fixture
def norm_loss() -> Iterator[None]:
    register_loss("norm", NormLoss)
    yield
    del LOSSES["norm"]


def test_import_of_registry_without_torch() -> None:
    code = "import sys, skelgait.losses.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_weighted_sum_and_terms() -> None:
    output, labels = output_of(6), torch.tensor([0, 0, 1, 1, 4, 4])
    loss = GaitLoss(
        {
            "triplet": {"weight": 2.0, "margin": 0.3},
            "cross_entropy": {"weight": 0.5, "scale": 8.0, "label_smoothing": 0.2},
        }
    )
    report = loss(output, labels)
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


def test_loss_of_weight_zero_is_logged_and_gives_no_gradient() -> None:
    output, labels = output_of(4), torch.tensor([0, 0, 1, 1])
    report = GaitLoss({"triplet": {"weight": 0.0}, "cross_entropy": {}})(output, labels)
    report.total.backward()
    assert not output.embedding.grad.any()
    assert output.logits.grad.any()
    assert report.terms["triplet/loss"] > 0
    output = output_of(4)
    GaitLoss({"triplet": {}, "cross_entropy": {"weight": 0.0}})(output, labels).total.backward()
    assert output.embedding.grad.any()
    assert not output.logits.grad.any()


@pytest.mark.usefixtures("norm_loss")
def test_registered_loss_is_added_and_logged() -> None:
    output, labels = output_of(4), torch.tensor([0, 0, 1, 1])
    report = GaitLoss({"triplet": {}, "norm": {"weight": 0.5, "factor": 3.0}})(output, labels)
    length = output.embedding.norm(dim=1).mean()
    torch.testing.assert_close(report.total, report.terms["triplet/loss"] + 0.5 * 3 * length)
    torch.testing.assert_close(report.terms["norm/loss"], 3 * length.detach())
    torch.testing.assert_close(report.terms["norm/length"], length.detach())


def test_unknown_argument_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"train\.losses\.triplet: found .*margn.* correct the section"):
        GaitLoss({"triplet": {"margn": 0.3}})
