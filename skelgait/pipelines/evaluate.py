"""Pipeline of `skelgait evaluate`: evaluation and report from settings."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from skelgait import __version__
from skelgait.checkpoints.best_checkpoint import TEST
from skelgait.datasets import Partition, Protocol
from skelgait.embeddings import EmbeddingFacts, Embeddings, open_embeddings
from skelgait.errors import DataError, SettingsError
from skelgait.evaluation import EvaluationReport, evaluation_keys, score, write_submission
from skelgait.evaluation.retrieval import retrieve
from skelgait.matching.options import MatchingOptions, Reranking
from skelgait.models import network_class
from skelgait.pipelines import workspace
from skelgait.pipelines.comparability import why_incomparable
from skelgait.pipelines.trained_network import (
    check_network,
    embed_and_gather,
    embedding_facts,
    inference_options,
    load_trained_network,
    warn_if_maps_differ,
)
from skelgait.reports.folder import FORMAT, write_report
from skelgait.reports.pictures import save_pictures
from skelgait.runtime.advance import Progress, silent_progress
from skelgait.runtime.devices import distance_device
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import SINGLE, ProcessGroup, is_main, process_group
from skelgait.settings import Settings
from skelgait.settings.evaluation import EvaluateSettings
from skelgait.storage import SequenceSource
from skelgait.storage.lock import lock_file, lock_folder
from skelgait.viz.plot_style import require_matplotlib

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Origin:
    """Origin of an evaluation.

    Attributes:
        date: date and time of the evaluation, in UTC, as ISO 8601.
        skelgait: version of skelgait.
        checkpoint_sha256: SHA-256 of the checkpoint, as hexadecimal digits.
        data: path of the maps or pairs that were embedded.
        command: command line; empty: unknown.
    """

    date: str
    skelgait: str
    checkpoint_sha256: str
    data: str
    command: str


@dataclass(frozen=True)
class Evaluation:
    """Evaluation of a network.

    Attributes:
        report: metrics.
        network: name of the network.
        iteration: number of optimizer steps of the network.
        embedding: embedding that was compared, 1 or 2.
        evaluated_file: path of the checkpoint or of the embedding file, or name of a checkpoint on a hub.
        folder: folder of the written report; None: not written.
        origin: date, version, checkpoint, data and command; None: unknown.
    """

    report: EvaluationReport
    network: str
    iteration: int
    embedding: int
    evaluated_file: str
    folder: Path | None = None
    origin: Origin | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the evaluation as JSON data."""
        network = {"network": self.network, "iteration": self.iteration, "embedding": self.embedding}
        origin = {"origin": asdict(self.origin)} if self.origin else {}
        return {
            "format": FORMAT,
            **network,
            "evaluated_file": self.evaluated_file,
            **origin,
            **self.report.to_dict(),
        }


def evaluate_run(
    settings: Settings,
    progress: Progress = silent_progress,
    requested: Mapping[str, object] = MappingProxyType({}),
    command: str = "",
) -> Evaluation | None:
    """Evaluate an embedding file or a checkpoint, and write the report.

    Args:
        settings: settings; the section `evaluate` gives the embedding file or the checkpoint (default: the newest of
            the run), the device, and the folder of the report (default: in the folder of the run).
        progress: shows the progress of each stage; default: nothing is shown.
        requested: name and sizes that the network must have, see `Resolved.requested_network`; default: any.
        command: command line that the report names; default: none.

    Returns:
        Evaluation in the process of rank 0; None in all others.

    Raises:
        CheckpointError: if there is no such checkpoint, or if it cannot be used.
        ProtocolError: if the protocol has no probes or no gallery in the data.
        DataError: if sequences or embeddings cannot be read, or if the report cannot be written.
        SettingsError: if settings contradict each other or the checkpoint, or if `--pictures` lacks matplotlib.
    """
    keep_freed_memory()
    with ExitStack() as locks:
        return _evaluate(_Request(settings, progress, requested, locks), command)


class _Request(NamedTuple):
    """Arguments of an evaluation, and the locks that it holds until it has ended."""

    settings: Settings
    progress: Progress
    requested: Mapping[str, object]
    locks: ExitStack


def _evaluate(request: _Request, command: str) -> Evaluation | None:
    settings, progress, _, locks = request
    protocol, config = workspace.protocol_of(settings), settings.evaluate
    partition, notes = _partition_or_note(settings)
    _check_settings(config, protocol)
    locks.enter_context(lock_file(config.submission, process_group()))
    inputs = (
        _read_embeddings(request, protocol, partition) if config.embeddings else _embed(request, protocol, partition)
    )
    if inputs is None:
        return None
    options = MatchingOptions(config.distance, inputs.device, config.memory_mb, Reranking() if config.rerank else None)
    if config.submission and protocol.submission:
        write_submission(config.submission, inputs.embeddings, protocol.submission, options)
    with progress(None, "Comparing", "probes") as advance:
        report = score(
            inputs.embeddings,
            protocol,
            partition,
            options,
            bootstrap_samples=config.bootstrap_samples,
            advance=advance,
        )
    facts = inputs.facts
    report = replace(report, notes=(*notes, *report.notes, *_notes_on_choice(facts)))
    reasons = why_incomparable(config, protocol, partition, facts.preset, inputs.embedding)
    report = report.with_incomparable(reasons, facts.network)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    origin = Origin(now, __version__, facts.checkpoint_sha256, facts.source, command)
    network = (facts.network, facts.iteration, inputs.embedding, inputs.file)
    evaluation = Evaluation(report, *network, inputs.folder, origin)
    if evaluation.folder:
        write_report(evaluation.folder, evaluation.to_dict(), report)
        if config.pictures:
            retrieved = retrieve(inputs.embeddings, protocol, partition, options)
            save_pictures(evaluation.folder, evaluation.to_dict(), retrieved, inputs.source)
    return evaluation


def _partition_or_note(settings: Settings) -> tuple[Partition, tuple[str, ...]]:
    """Return the partition, and a note if there is none, so that all people of an embedding file are evaluated."""
    path = settings.evaluate.embeddings
    if path is None or workspace.has_partition(settings):
        return workspace.partition_of(settings), ()
    people = frozenset(key.identity for key in open_embeddings(path).keys)
    return Partition(frozenset(), people), (f"no --partition: all {len(people)} people of {path} are evaluated",)


class _Inputs(NamedTuple):
    """Embeddings to evaluate.

    Attributes:
        embeddings: embeddings of the test sequences.
        facts: origin of the embeddings.
        embedding: 1 or 2.
        file: checkpoint or embedding file, for the report.
        source: sequences, for pictures; None: not available.
        folder: folder of the report; None: not written.
        device: device for distances; None: the CPU, without torch.
    """

    embeddings: Embeddings
    facts: EmbeddingFacts
    embedding: int
    file: str
    source: SequenceSource | None
    folder: Path | None
    device: torch.device | None


def _notes_on_choice(facts: EmbeddingFacts) -> list[str]:
    if facts.chosen_on != TEST:
        return []
    return [
        f"the checkpoint of iteration {facts.iteration} was chosen by its rank-1 on the test people, so metrics "
        "are too high: choose it on other people, with VAL_SET in the partition or with train --val-share 0.1"
    ]


def _check_settings(config: EvaluateSettings, protocol: Protocol) -> None:
    if config.submission and not protocol.submission:
        found = f"protocol {protocol.name} without a server"
        raise SettingsError("--submission", found, "a protocol with a server, such as GREW", "leave the flag out")
    if not config.pictures:
        return
    if not config.report and (config.checkpoint or config.embeddings):
        raise SettingsError("--pictures", "no --report", "--report with a folder", "add --report FOLDER")
    require_matplotlib("--pictures")


def _lock_report(folder: Path | None, locks: ExitStack, group: ProcessGroup) -> None:
    """Make and lock the folder of the report before the long part of the work, so that an error appears early."""
    if folder is None:
        return
    if folder.is_file():
        raise DataError(folder, "a file", "a folder for the report", "choose another one with --report")
    locks.enter_context(lock_folder(folder, group))


def _embed(request: _Request, protocol: Protocol, partition: Partition) -> _Inputs | None:
    settings, progress, requested, locks = request
    config = settings.evaluate
    trained = load_trained_network(settings, config, requested)
    embedding = config.embedding or trained.test_embedding
    source = workspace.open_inputs(settings, trained.facts.modalities)
    warn_if_maps_differ(trained, source)
    keys = evaluation_keys(source, protocol, partition)
    folder = config.report or (None if config.checkpoint else workspace.run_folder(settings) / "report")
    _lock_report(folder, locks, process_group())
    with progress(len(keys), "Embedding", "sequences") as advance:
        embeddings = embed_and_gather(trained.model, source, keys, inference_options(config), embedding, advance)
    if embeddings is None:
        return None
    return _Inputs(
        embeddings,
        facts=embedding_facts(trained, source, config),
        embedding=embedding,
        file=trained.location.label,
        source=source,
        folder=folder,
        device=trained.model.torch_device,
    )


def _read_embeddings(request: _Request, protocol: Protocol, partition: Partition) -> _Inputs | None:
    settings, requested = request.settings, request.requested
    config = settings.evaluate
    if config.embeddings is None or not is_main():
        return None
    file = open_embeddings(config.embeddings, config.embedding)
    check_network(file.path, {"name": file.facts.network}, requested)
    embeddings = file.select(evaluation_keys(file, protocol, partition))
    _lock_report(config.report, request.locks, SINGLE)
    source = None
    if config.pictures:
        # Pictures show the sequences if they are available; metrics do not need them.
        with suppress(DataError):
            source = workspace.open_inputs(settings, network_class(file.facts.network).modalities)
    return _Inputs(
        embeddings,
        facts=file.facts,
        embedding=file.embedding,
        file=str(file.path),
        source=source,
        folder=config.report,
        device=distance_device(config.device),
    )
