"""Training and evaluation from settings alone: opens what they name, and calls the library."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from skelgait import workspace
from skelgait.embeddings import embed
from skelgait.errors import CheckpointError, SettingsError
from skelgait.evaluation import EvaluationReport, score, test_keys, write_submission
from skelgait.models import GaitNetwork
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.settings.evaluation import EvaluateSettings
from skelgait.storage import SequenceSource
from skelgait.training import Checkpoint, TrainReport, find_checkpoint, load_checkpoint, train
from skelgait.training.best import best_test
from skelgait.training.fingerprint import differences, how_drawn

log = logging.getLogger(__name__)


class Evaluation(NamedTuple):
    """An evaluation, and of which network."""

    report: EvaluationReport
    network: str
    iteration: int


def train_run(settings: Settings, device: torch.device, advance: Callable[[int], None] = lambda _: None) -> TrainReport:
    """Train as `settings` say; with `train.test_while_training`, evaluate at every checkpoint into `tests.jsonl`.

    Raises:
        SkelgaitError: as `skelgait.training.train`.
    """

    def test(network: GaitNetwork, advance: Callable[[int], None]) -> Mapping[str, Any]:
        return _evaluate(settings, network, inputs, settings.train.network.test_embedding, device, advance).summary()

    inputs, partition = workspace.open_inputs(settings, settings.train.network.name), workspace.partition_of(settings)
    if settings.train.test_while_training:
        # Found out now and not at the first checkpoint.
        test_keys(inputs, workspace.protocol_of(settings), partition)
    return train(
        inputs,
        partition.train,
        workspace.run_folder(settings),
        settings.train,
        device,
        evaluate=test if settings.train.test_while_training else None,
        advance=advance,
    )


def evaluate_run(
    settings: Settings, device: torch.device, advance: Callable[[int], None] = lambda _: None
) -> Evaluation:
    """Evaluate the checkpoint that `settings` name, or that of the run.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used.
        ProtocolError: the protocol finds nothing to score in the data.
        DataError: a sequence cannot be read.
    """
    chosen = settings.evaluate
    path = chosen.checkpoint or _checkpoint_of(workspace.run_folder(settings), chosen)
    checkpoint = load_checkpoint(path)
    network = checkpoint.architecture.name
    embedding = chosen.embedding or checkpoint.test_embedding or workspace.test_embedding_of(settings, network)
    source = workspace.open_inputs(settings, network)
    _warn_of_other_maps(path, checkpoint, source)
    report = _evaluate(settings, checkpoint.network(), source, embedding, device, advance)
    return Evaluation(report, network, checkpoint.iteration)


def _checkpoint_of(run: Path, chosen: EvaluateSettings) -> Path:
    if not chosen.best:
        return find_checkpoint(run, chosen.iteration)
    best = best_test(run)
    if best is None:
        mend = "leave out --best; train with --set train.test_while_training=true the next time"
        raise CheckpointError(run, "no test while training", "tests, to tell the best checkpoint", mend)
    return find_checkpoint(run, best.iteration)


def _warn_of_other_maps(path: Path, checkpoint: Checkpoint, source: SequenceSource) -> None:
    """Warn where the maps are known to be drawn in another way than those that the network was trained on."""
    before, now = checkpoint.data.get("drawn"), how_drawn(source)
    for what, there, here in differences(before or {}, now or {}):
        log.warning("%s was trained on maps with %s %s; those in %s have %s", path, what, there, source.path, here)


def _evaluate(
    settings: Settings,
    network: GaitNetwork,
    source: SequenceSource,
    embedding: int,
    device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> EvaluationReport:
    chosen, partition = settings.evaluate, workspace.partition_of(settings)
    protocol = workspace.protocol_of(settings)
    if chosen.submission and not protocol.submission:
        found, mend = f"protocol {protocol.name}, which has no server", "leave it out"
        raise SettingsError("--submission", found, "a protocol with one, such as GREW", mend)
    embeddings = embed(
        network,
        source,
        test_keys(source, protocol, partition),
        device,
        embedding=embedding,
        precision=chosen.precision,
        batch_size=chosen.batch_size,
        max_frames=chosen.max_frames,
        advance=advance,
    )
    if chosen.submission and protocol.submission and is_main():
        write_submission(chosen.submission, embeddings, protocol.submission, chosen.metric)
    return score(embeddings, protocol, partition, chosen.metric)
