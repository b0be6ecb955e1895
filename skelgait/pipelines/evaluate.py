"""Evaluation from settings."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from skelgait.datasets import Partition, Protocol
from skelgait.embeddings import Embeddings, open_embeddings
from skelgait.errors import DataError, SettingsError
from skelgait.evaluation import EvaluationReport, evaluation_keys, score, write_submission
from skelgait.evaluation.retrieval import retrieve
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import embed_for_main, inference_options, trained_network, warn_of_other_maps
from skelgait.reports.folder import write_report
from skelgait.reports.pictures import save_pictures
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.settings.evaluation import EvaluateSettings
from skelgait.storage import SequenceSource
from skelgait.storage.atomic import write_error
from skelgait.viz.plot_style import require_matplotlib


@dataclass(frozen=True)
class Evaluation:
    """An evaluation, and of what.

    Attributes:
        report: what it came to.
        network: the network's name.
        iteration: optimizer steps that it was trained.
        embedding: the embedding that was compared, 1 or 2.
        evaluated_file: the checkpoint or the file of embeddings.
        folder: where the report was written; None where it was not.
    """

    report: EvaluationReport
    network: str
    iteration: int
    embedding: int
    evaluated_file: Path
    folder: Path | None = None

    def to_dict(self) -> dict[str, object]:
        """Everything as plain dicts, lists, strings and numbers."""
        own = {"network": self.network, "iteration": self.iteration, "embedding": self.embedding}
        return {**own, "evaluated_file": str(self.evaluated_file), **self.report.to_dict()}


def evaluate_run(settings: Settings, device: torch.device, progress: Progress = silent_progress) -> Evaluation | None:
    """Evaluate the embeddings or the checkpoint that `settings` name, or the checkpoint of the run.

    The report goes into the folder of the run, or the one that is named. Returns None in all processes but the first.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used.
        ProtocolError: the protocol finds nothing to score in the data.
        DataError: a sequence or the embeddings cannot be read, or the report cannot be written.
        SettingsError: settings that do not go together, or there is no matplotlib for pictures.
    """
    keep_freed_memory()
    protocol, partition = workspace.protocol_of(settings), workspace.partition_of(settings)
    chosen = settings.evaluate
    _refuse_mismatches(chosen, protocol)
    tested = (
        _of_file(settings, protocol, partition)
        if chosen.embeddings
        else _of_checkpoint(settings, protocol, partition, device, progress)
    )
    if tested is None:
        return None
    options = MatchingOptions(chosen.distance, device, chosen.memory_mb, Reranking() if chosen.rerank else None)
    if chosen.submission and protocol.submission:
        write_submission(chosen.submission, tested.embeddings, protocol.submission, options)
    with progress(None, "Comparing", "probes") as advance:
        report = score(
            tested.embeddings,
            protocol,
            partition,
            options,
            bootstrap_samples=chosen.bootstrap_samples,
            advance=advance,
        )
    evaluation = Evaluation(report, tested.network, tested.iteration, tested.embedding, tested.path, tested.folder)
    if evaluation.folder:
        write_report(evaluation.folder, evaluation.to_dict(), report)
        if chosen.pictures:
            retrieved = retrieve(tested.embeddings, protocol, partition, options)
            save_pictures(evaluation.folder, evaluation.to_dict(), retrieved, tested.source)
    return evaluation


class _Tested(NamedTuple):
    """Embeddings that are evaluated, what made them, the sequences if they are at hand, and where the report goes."""

    embeddings: Embeddings
    network: str
    iteration: int
    embedding: int
    path: Path
    source: SequenceSource | None
    folder: Path | None


def _refuse_mismatches(chosen: EvaluateSettings, protocol: Protocol) -> None:
    if chosen.submission and not protocol.submission:
        found, hint = f"protocol {protocol.name}, which has no server", "leave it out"
        raise SettingsError("--submission", found, "a protocol with one, such as GREW", hint)
    if not chosen.pictures:
        return
    if not chosen.report and (chosen.checkpoint or chosen.embeddings):
        raise SettingsError("--pictures", "no folder for them", "--report with a folder", "name one")
    require_matplotlib("--pictures")


def _make_folder(folder: Path | None) -> None:
    """Find out whether the report can be written before the long part of the work, and not after it."""
    if folder is None or not is_main():
        return
    if folder.is_file():
        raise DataError(folder, "a file", "a folder for the report", "name another one with --report")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise write_error(folder, error) from error


def _of_checkpoint(
    settings: Settings, protocol: Protocol, partition: Partition, device: torch.device, progress: Progress
) -> _Tested | None:
    chosen = settings.evaluate
    trained = trained_network(settings, chosen)
    embedding = chosen.embedding or trained.test_embedding
    source = workspace.open_inputs(settings, trained.name)
    warn_of_other_maps(trained, source)
    keys = evaluation_keys(source, protocol, partition)
    folder = chosen.report or (None if chosen.checkpoint else workspace.run_folder(settings) / "report")
    _make_folder(folder)
    with progress(len(keys), "Embedding", "sequences") as advance:
        embeddings = embed_for_main(
            trained.checkpoint.network(), source, keys, device, inference_options(chosen), embedding, advance
        )
    if embeddings is None:
        return None
    return _Tested(embeddings, trained.name, trained.checkpoint.iteration, embedding, trained.path, source, folder)


def _of_file(settings: Settings, protocol: Protocol, partition: Partition) -> _Tested | None:
    chosen = settings.evaluate
    if chosen.embeddings is None or not is_main():
        return None
    file = open_embeddings(chosen.embeddings, chosen.embedding)
    embeddings, facts = file.select(evaluation_keys(file, protocol, partition)), file.facts
    _make_folder(chosen.report)
    source = None
    if chosen.pictures:
        # Sequences are shown if they are at hand; the metrics need none.
        with suppress(DataError):
            source = workspace.open_inputs(settings, facts.network)
    return _Tested(embeddings, facts.network, facts.iteration, file.embedding, file.path, source, chosen.report)
