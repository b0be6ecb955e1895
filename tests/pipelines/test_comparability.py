"""Reasons why an evaluation cannot be compared with published results."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from skelgait.checkpoints.architecture import Architecture
from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.datasets import Partition, custom_protocol, find_dataset
from skelgait.pipelines.comparability import published_preset, why_incomparable
from skelgait.settings import load_settings
from skelgait.settings.evaluation import EvaluateSettings

CCPG = find_dataset("CCPG")


def checkpoint(
    preset: str, classes: int, *, iteration: int = 60_000, settings: dict[str, Any] | None = None
) -> Checkpoint:
    """Return a checkpoint without weights, of the network of a preset."""
    train = load_settings(preset=preset, environ={}, default_file=None).settings.train
    network = train.network.model_dump(exclude={"test_embedding"})
    recorded = train.model_dump(mode="json") | settings if settings is not None else {}
    return Checkpoint(Architecture(classes=classes, **network), {}, iteration, settings=recorded)


@pytest.mark.parametrize(
    ("checkpoint", "preset"),
    [
        (checkpoint("skeletongait_CCPG", 100), "skeletongait_CCPG"),  # of OpenGait: without settings
        (checkpoint("skeletongait_CCPG", 100, settings={}), "skeletongait_CCPG"),
        (checkpoint("skeletongait_CCPG", 100, settings={"seed": 5, "device": "cpu"}), "skeletongait_CCPG"),
        (checkpoint("skeletongait_CCPG", 90), ""),  # of other people
        (checkpoint("skeletongait_CCPG", 100, iteration=30_000, settings={}), ""),
        (checkpoint("skeletongait_CCPG", 100, settings={"optimizer": {"learning_rate": 0.2}}), ""),
        (checkpoint("skeletongait_tiny", 100), ""),
    ],
)
def test_published_preset_of_a_checkpoint(checkpoint: Checkpoint, preset: str) -> None:
    assert published_preset(checkpoint) == preset


def reasons(preset: str = "skeletongait_CCPG", embedding: int = 2, **more: Any) -> tuple[str, ...]:
    protocol, partition = more.pop("protocol", CCPG.protocol), more.pop("partition", CCPG.partition())
    return why_incomparable(EvaluateSettings(**more), protocol, partition, preset, embedding)


def test_published_evaluation_is_comparable() -> None:
    assert reasons() == ()


@pytest.mark.parametrize(
    ("difference", "reason"),
    [
        ({"preset": ""}, "the network was not trained with the published preset of CCPG"),
        ({"preset": "skeletongait_Gait3D"}, "the network was not trained with the published preset of CCPG"),
        ({"embedding": 1}, "embedding 1 is compared, published is 2"),
        ({"distance": "cosine"}, "the distance is cosine"),
        ({"rerank": True}, "distances are re-ranked"),
        ({"protocol": replace(CCPG.protocol, camera_prefix=False)}, "the protocol is not that of CCPG"),
        (
            {"partition": Partition(CCPG.partition().train, frozenset({"100", "101"}))},
            "the test people are not those of the official partition",
        ),
    ],
)
def test_every_difference_is_a_reason(difference: dict[str, Any], reason: str) -> None:
    assert reasons(**difference) == (reason,)


def test_protocol_of_your_own_is_taken_as_the_published_one() -> None:
    own = custom_protocol(["a"], {"G": ["b"]})
    assert reasons(preset="", protocol=own, partition=Partition(frozenset("ab"), frozenset("cd"))) == ()
