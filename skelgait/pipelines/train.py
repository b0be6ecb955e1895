"""Pipeline of `skelgait train`: training from settings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from skelgait.checkpoints.folder import find_checkpoint, list_checkpoints
from skelgait.datasets.identities import find_missing
from skelgait.embeddings.torch_model import TorchModel
from skelgait.evaluation import evaluation_keys, score
from skelgait.matching.options import MatchingOptions
from skelgait.models import GaitNetwork, network_class
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import embed_and_gather, inference_options
from skelgait.pipelines.validation import evaluation_people, hold_out, warn_if_unused
from skelgait.runtime.advance import Advance
from skelgait.runtime.process_group import is_main
from skelgait.settings import Resolved, Settings
from skelgait.settings.run_settings import settings_to_record, settings_to_resume
from skelgait.training import TrainReport, train
from skelgait.training.observers import OnMetrics

log = logging.getLogger(__name__)


def training_settings(resolved: Resolved) -> Resolved:
    """Return the settings to train with: those given, or with `--resume` those of the run, changed by flags.

    Raises:
        SettingsError: if the run does not allow the flags, or if its settings are missing.
        CheckpointError: if there is no checkpoint to resume from.
    """
    config = resolved.settings.train
    if not config.resume:
        return resolved
    run = workspace.run_folder(resolved.settings)
    find_checkpoint(run, config.iteration)
    return settings_to_resume(resolved, run, config.iteration or max(list_checkpoints(run)))


def train_run(
    settings: Settings, device: torch.device, advance: Advance | None = None, on_metrics: OnMetrics | None = None
) -> TrainReport:
    """Train a network. With `train.eval_during_training`, evaluate it at every checkpoint into `tests.jsonl`.

    The validation people are evaluated if the partition or `train.val_share` give some, otherwise the test people.

    Args:
        settings: settings; the section `train` gives the network, the run and the optimizer.
        device: device of the network.
        advance: called with the number of finished steps, and with the losses at logged steps.
        on_metrics: called in the main process with the iteration and numbers by name, see `skelgait.training.train`.

    Returns:
        Report of the training, in all processes.

    Raises:
        SkelgaitError: see `skelgait.training.train`.
    """

    def evaluate(network: GaitNetwork, advance: Advance) -> Mapping[str, Any]:
        config, embedding = settings.evaluate, settings.train.network.test_embedding
        keys = evaluation_keys(inputs, people.protocol, people.partition)
        model = TorchModel(network, device, config.precision)
        embeddings = embed_and_gather(model, inputs, keys, inference_options(config), embedding, advance)
        if embeddings is None:
            return {}
        options = MatchingOptions(config.distance, device, config.memory_mb)
        report = score(embeddings, people.protocol, people.partition, options)
        return {"subset": people.subset, **report.summary()}

    inputs = workspace.open_inputs(settings, network_class(settings.train.network.name).modalities)
    listed = workspace.partition_of(settings)
    partition = hold_out(listed, inputs.keys, settings.train.val_share)
    if settings.train.eval_during_training:
        people = evaluation_people(workspace.protocol_of(settings), partition, inputs.keys)
        # Raises now instead of at the first checkpoint.
        evaluation_keys(inputs, people.protocol, people.partition)
    elif is_main():
        warn_if_unused(partition)
    missing = find_missing(inputs.keys, listed.train, "training")
    if missing and is_main():
        log.warning("%s", missing)
    run = workspace.run_folder(settings)
    report = train(
        inputs,
        partition.train,
        run,
        settings.train,
        device,
        evaluate=evaluate if settings.train.eval_during_training else None,
        on_metrics=on_metrics,
        advance=advance,
        other_settings=settings_to_record(settings, run),
    )
    return replace(report, missing=missing)
