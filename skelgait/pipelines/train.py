"""Training from settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from skelgait.evaluation import evaluation_keys, score
from skelgait.matching.options import MatchingOptions
from skelgait.models import GaitNetwork
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import embed_for_main, inference_options
from skelgait.runtime.advance import Advance, no_progress
from skelgait.settings import Settings
from skelgait.training import TrainReport, train


def train_run(settings: Settings, device: torch.device, advance: Advance | None = None) -> TrainReport:
    """Train as `settings` say; with `train.eval_during_training`, evaluate at every checkpoint into `tests.jsonl`.

    Raises:
        SkelgaitError: as `skelgait.training.train`.
    """

    def test(network: GaitNetwork, advance: Advance) -> Mapping[str, Any]:
        keys, embedding = evaluation_keys(inputs, protocol, partition), settings.train.network.test_embedding
        embeddings = embed_for_main(
            network, inputs, keys, device, inference_options(settings.evaluate), embedding, advance
        )
        if embeddings is None:
            return {}
        chosen = settings.evaluate
        options = MatchingOptions(chosen.distance, device, chosen.memory_mb)
        return score(embeddings, protocol, partition, options).summary()

    inputs, partition = workspace.open_inputs(settings, settings.train.network.name), workspace.partition_of(settings)
    if settings.train.eval_during_training:
        protocol = workspace.protocol_of(settings)
        # Found out now and not at the first checkpoint.
        evaluation_keys(inputs, protocol, partition)
    return train(
        inputs,
        partition.train,
        workspace.run_folder(settings),
        settings.train,
        device,
        evaluate=test if settings.train.eval_during_training else None,
        advance=advance or no_progress,
    )
