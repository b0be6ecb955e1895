"""Reasons why an evaluation cannot be compared with published results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from skelgait.datasets import DATASETS, Partition, Protocol
from skelgait.settings import load_settings
from skelgait.settings.evaluation import EvaluateSettings
from skelgait.settings.training import TrainSettings

if TYPE_CHECKING:
    from skelgait.checkpoints.checkpoint import Checkpoint

# Sections of the training settings that a published result depends on.
_SECTIONS = ("network", "sampling", "augmentation", "losses", "optimizer")


def published_preset(checkpoint: Checkpoint) -> str:
    """Return the name of the published preset that a checkpoint was trained with; empty if there is none.

    Checkpoints of OpenGait do not hold their settings: for them, the same network with as many classes is enough.

    Args:
        checkpoint: trained network.
    """
    from skelgait.checkpoints.presets import matching_presets  # imports torch

    for match in matching_presets(checkpoint.architecture):
        if match.dataset and match.is_exact and _is_trained_like(checkpoint, _training_settings(match.preset)):
            return match.preset
    return ""


def _training_settings(preset: str) -> TrainSettings:
    return load_settings(preset=preset, environ={}, default_file=None).settings.train


def _is_trained_like(checkpoint: Checkpoint, preset: TrainSettings) -> bool:
    trained: Mapping[str, Any] = checkpoint.settings
    if not trained:
        return True
    expected = preset.model_dump(mode="json")
    return checkpoint.iteration >= preset.iterations and all(trained.get(name) == expected[name] for name in _SECTIONS)


def why_incomparable(
    config: EvaluateSettings, protocol: Protocol, partition: Partition, preset: str, embedding: int
) -> tuple[str, ...]:
    """Return the reasons why an evaluation cannot be compared with published results, one phrase each.

    Args:
        config: settings of the evaluation.
        protocol: its protocol; a protocol of your own is taken as the published one.
        partition: its partition.
        preset: published preset that the network was trained with; empty: none.
        embedding: embedding that is compared, 1 or 2.
    """
    return tuple(_reasons(config, protocol, partition, preset, embedding))


def _reasons(
    config: EvaluateSettings, protocol: Protocol, partition: Partition, preset: str, embedding: int
) -> Iterator[str]:
    if config.distance != "euclidean":
        yield f"the distance is {config.distance}"
    if config.rerank:
        yield "distances are re-ranked"
    dataset = DATASETS.get(protocol.name)
    if dataset is None:
        return
    if protocol != dataset.protocol:
        yield f"the protocol is not that of {dataset.name}"
    official = dataset.partition()
    if (partition.test, partition.probes) != (official.test, official.probes):
        yield "the test people are not those of the official partition"
    settings = load_settings(preset=preset, environ={}, default_file=None).settings if preset else None
    if settings is None or settings.dataset != dataset.name:
        yield f"the network was not trained with the published preset of {dataset.name}"
    elif embedding != settings.train.network.test_embedding:
        yield f"embedding {embedding} is compared, published is {settings.train.network.test_embedding}"
