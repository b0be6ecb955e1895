"""Pipeline of `skelgait train`: training from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from skelgait.evaluation import evaluation_keys, score
from skelgait.matching.options import MatchingOptions
from skelgait.models import GaitNetwork
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import embed_and_gather, inference_options
from skelgait.runtime.advance import Advance
from skelgait.settings import Settings
from skelgait.training import TrainReport, train


def train_run(settings: Settings, device: torch.device, advance: Advance | None = None) -> TrainReport:
    """Train a network. With `train.eval_during_training`, evaluate it at every checkpoint into `tests.jsonl`.

    Args:
        settings: settings; the section `train` gives the network, the run and the optimizer.
        device: device of the network.
        advance: called with the number of finished steps, and with the losses at logged steps.

    Returns:
        Report of the training, in all processes.

    Raises:
        SkelgaitError: see `skelgait.training.train`.
    """

    def evaluate(network: GaitNetwork, advance: Advance) -> Mapping[str, Any]:
        config, embedding = settings.evaluate, settings.train.network.test_embedding
        keys = evaluation_keys(inputs, protocol, partition)
        embeddings = embed_and_gather(network, inputs, keys, device, inference_options(config), embedding, advance)
        if embeddings is None:
            return {}
        options = MatchingOptions(config.distance, device, config.memory_mb)
        return score(embeddings, protocol, partition, options).summary()

    inputs, partition = workspace.open_inputs(settings, settings.train.network.name), workspace.partition_of(settings)
    if settings.train.eval_during_training:
        protocol = workspace.protocol_of(settings)
        # Raises now instead of at the first checkpoint.
        evaluation_keys(inputs, protocol, partition)
    return train(
        inputs,
        partition.train,
        workspace.run_folder(settings),
        settings.train,
        device,
        evaluate=evaluate if settings.train.eval_during_training else None,
        advance=advance,
    )
