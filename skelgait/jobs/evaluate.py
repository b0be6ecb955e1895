"""Evaluation from settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from skelgait import workspace
from skelgait.datasets import Partition, Protocol
from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.errors import SettingsError
from skelgait.evaluation import EvaluationReport, score, test_keys, write_submission
from skelgait.jobs.network import embed_for_main, trained_network, warn_of_other_maps
from skelgait.matching.reranking import Reranking
from skelgait.reports.folder import write_report
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.settings.evaluation import EvaluateSettings


@dataclass(frozen=True)
class Evaluation:
    """An evaluation, and of what.

    Attributes:
        report: what it came to.
        network: the network's name.
        iteration: optimiser steps that it was trained.
        embedding: the embedding that was compared, 1 or 2.
        tested: the checkpoint or the file of embeddings.
        folder: where the report was written; None where it was not.
    """

    report: EvaluationReport
    network: str
    iteration: int
    embedding: int
    tested: Path
    folder: Path | None = None

    def to_dict(self) -> dict[str, object]:
        """Everything as plain dicts, lists, strings and numbers."""
        own = {"network": self.network, "iteration": self.iteration, "embedding": self.embedding}
        return {**own, "tested": str(self.tested), **self.report.to_dict()}


def evaluate_run(
    settings: Settings, device: torch.device, advance: Callable[[int], None] = lambda _: None
) -> Evaluation | None:
    """Evaluate the embeddings or the checkpoint that `settings` name, or the checkpoint of the run.

    The report goes into the folder of the run, or the one that is named. Returns None in all processes but the first.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used.
        ProtocolError: the protocol finds nothing to score in the data.
        DataError: a sequence or the embeddings cannot be read, or the report cannot be written.
        SettingsError: settings that do not go together.
    """
    protocol, partition = workspace.protocol_of(settings), workspace.partition_of(settings)
    chosen = settings.evaluate
    _refuse_misfits(chosen, protocol)
    if chosen.embeddings:
        return _evaluate_file(settings, protocol, partition, device)
    trained = trained_network(settings, chosen)
    embedding = chosen.embedding or trained.test_embedding
    source = workspace.open_inputs(settings, trained.name)
    warn_of_other_maps(trained, source)
    keys = test_keys(source, protocol, partition)
    embeddings = embed_for_main(trained.checkpoint.network(), source, keys, device, chosen, embedding, advance)
    if embeddings is None:
        return None
    report = _score(chosen, embeddings, protocol, partition, device)
    folder = chosen.report or (None if chosen.checkpoint else workspace.run_folder(settings) / "report")
    return _written(Evaluation(report, trained.name, trained.checkpoint.iteration, embedding, trained.path, folder))


def _evaluate_file(
    settings: Settings, protocol: Protocol, partition: Partition, device: torch.device
) -> Evaluation | None:
    chosen = settings.evaluate
    assert chosen.embeddings is not None
    if not is_main():
        return None
    file = open_embeddings(chosen.embeddings, chosen.embedding)
    embeddings = file.select(test_keys(file, protocol, partition))
    report = _score(chosen, embeddings, protocol, partition, device)
    facts = file.facts
    return _written(Evaluation(report, facts.network, facts.iteration, file.embedding, file.path, chosen.report))


def _refuse_misfits(chosen: EvaluateSettings, protocol: Protocol) -> None:
    if chosen.submission and not protocol.submission:
        found, mend = f"protocol {protocol.name}, which has no server", "leave it out"
        raise SettingsError("--submission", found, "a protocol with one, such as GREW", mend)
    if chosen.pictures and not chosen.report and (chosen.checkpoint or chosen.embeddings):
        raise SettingsError("--pictures", "no folder for them", "--report with a folder", "name one")


def _score(
    chosen: EvaluateSettings, embeddings: Embeddings, protocol: Protocol, partition: Partition, device: torch.device
) -> EvaluationReport:
    reranking = Reranking() if chosen.rerank else None
    if chosen.submission and protocol.submission:
        write_submission(
            chosen.submission, embeddings, protocol.submission, chosen.metric,
            device=device, memory_mb=chosen.memory_mb, reranking=reranking,
        )  # fmt: skip
    return score(
        embeddings, protocol, partition, chosen.metric,
        device=device, memory_mb=chosen.memory_mb, reranking=reranking, resamples=chosen.resamples,
    )  # fmt: skip


def _written(evaluation: Evaluation) -> Evaluation:
    if evaluation.folder:
        write_report(evaluation.folder, evaluation.to_dict(), evaluation.report)
    return evaluation
