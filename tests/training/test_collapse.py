"""Warnings of a training that learns nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from skelgait.losses import batch_all_triplet_loss
from skelgait.settings.training import TrainSettings
from skelgait.storage import open_source
from skelgait.training import train
from skelgait.training.collapse import CollapseMonitor
from tests.synthetic_data import write_random_maps
from tests.training.test_train import CPU, SMALL

MARGIN = 0.2


def line(iteration: int, loss: float, mean_distance: float = 1.0) -> dict[str, float]:
    return {"iteration": iteration, "triplet/loss": loss, "triplet/mean_distance": mean_distance}


def test_mean_distance_of_zero_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    # The terms of a batch with equal embeddings.
    terms = batch_all_triplet_loss(torch.ones(6, 4, 2), torch.tensor([0, 0, 1, 1, 2, 2]), MARGIN)
    monitor = CollapseMonitor(MARGIN)
    monitor.check(line(100, 0.19, 0.5))
    assert caplog.text == ""
    for iteration in (200, 300):
        monitor.check(line(iteration, float(terms.loss.mean()), float(terms.mean_distance.mean())))
    assert caplog.messages == [
        "the network has collapsed at iteration 200: the mean distance is 0, all embeddings are the same; "
        "lower train.optimizer.learning_rate, or start from other weights with --init"
    ]


def test_loss_at_the_margin_for_1000_iterations_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    monitor = CollapseMonitor(MARGIN)
    for iteration in range(100, 1100, 100):
        monitor.check(line(iteration, 0.2001))
    monitor.check(line(1100, 0.17))  # the count starts again
    for iteration in range(1200, 2200, 100):
        monitor.check(line(iteration, 0.1999))
    assert caplog.text == ""
    monitor.check(line(2200, 0.2))
    monitor.check(line(2300, 0.2))
    assert caplog.messages == [
        "the triplet loss is at its margin 0.2 for 1000 iterations, so the network may have collapsed; "
        "lower train.optimizer.learning_rate, or start from other weights with --init"
    ]


def test_losses_without_triplets_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    monitor = CollapseMonitor(0.0)
    monitor.check({"iteration": 1, "norm/loss": 0.0})
    monitor.check(line(2000, 0.0))
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("people", "warning"),
    [
        ({"000"}, "training with 1 identity: the triplet loss is 0 and nothing is learned; list more people under"),
        (
            {"000", "001"},
            "batches of 1 identity: the triplet loss is 0; pass --set train.sampling.identities_per_batch",
        ),
    ],
)
def test_one_identity_is_a_warning(tmp_path: Path, people: set[str], warning: str) -> None:
    write_random_maps(tmp_path / "maps")
    sampling = {"identities_per_batch": 1, "sequences_per_identity": 2, "clip_len": 4, "skip": 1}
    settings = TrainSettings.model_validate({**SMALL, "sampling": sampling, "iterations": 1})
    train(open_source(tmp_path / "maps", "map"), people, tmp_path / "run", settings, CPU)
    assert f"WARNING {warning}" in (tmp_path / "run" / "log.txt").read_text()
