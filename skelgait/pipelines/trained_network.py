"""Loading of the trained network that settings name, and its embeddings."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from skelgait.checkpoints.best_checkpoint import BestEvaluation, best_evaluation
from skelgait.checkpoints.folder import find_checkpoint
from skelgait.checkpoints.hub import CheckpointLocation, file_sha256, locate_checkpoint
from skelgait.embeddings import EmbeddingFacts, Embeddings, InferenceOptions
from skelgait.embeddings.extraction import collect_chunks, embed_in_rounds
from skelgait.embeddings.model import EmbeddingModel, NetworkFacts
from skelgait.errors import CheckpointError, PathLike, SettingsError
from skelgait.pipelines import workspace
from skelgait.pipelines.open_network import open_network
from skelgait.runtime.advance import Advance
from skelgait.runtime.process_group import is_main
from skelgait.sampling.fingerprint import differences, how_drawn
from skelgait.settings import Settings
from skelgait.settings.embedding import WithNetwork
from skelgait.storage import Key, SequenceSource

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedNetwork:
    """Trained network on its device, and its file.

    Attributes:
        location: checkpoint or ONNX file.
        facts: facts about the network in the file.
        model: network on its device.
        test_embedding: embedding to compare by default, 1 or 2.
        chosen_on: people whose rank-1 the checkpoint was chosen by, `test` or `validation`; empty: not chosen.
    """

    location: CheckpointLocation
    facts: NetworkFacts
    model: EmbeddingModel
    test_embedding: int
    chosen_on: str = ""

    def sha256(self) -> str:
        """Return the SHA-256 of the checkpoint, as hexadecimal digits; an exported file has that of its checkpoint."""
        return self.facts.checkpoint_sha256 or file_sha256(self.location.path)


def load_trained_network(
    settings: Settings, config: WithNetwork, requested: Mapping[str, object] = MappingProxyType({})
) -> TrainedNetwork:
    """Load a trained network onto its device.

    Args:
        settings: all settings; they give the folder of the run.
        config: section of the command; it gives the checkpoint, or which one of the run (default: the newest).
        requested: name and sizes that the network must have, see `Resolved.requested_network`; default: any.

    Raises:
        CheckpointError: if there is no such checkpoint, or if it cannot be used.
        SettingsError: if it has another network than requested.
    """
    run = workspace.run_folder(settings)
    best = _best_evaluation(run) if config.best else None
    location = locate_checkpoint(
        config.checkpoint or find_checkpoint(run, best.iteration if best else config.iteration)
    )
    facts, model = open_network(location.path, config.device, config.precision)
    check_network(location.label, {"name": facts.network, **facts.sizes}, requested)
    test_embedding = facts.test_embedding or workspace.test_embedding_of(settings, facts.network)
    return TrainedNetwork(location, facts, model, test_embedding, best.subset if best else "")


def check_network(file: PathLike, network: Mapping[str, object], requested: Mapping[str, object]) -> None:
    """Check that a network is the requested one.

    Args:
        file: checkpoint or embedding file, for the error.
        network: its name and sizes, as far as known.
        requested: name and sizes that flags ask for.

    Raises:
        SettingsError: if it is another one.
    """
    different = [name for name, value in requested.items() if name in network and network[name] != value]
    if different:
        found, expected = (", ".join(f"{name} {sizes[name]}" for name in different) for sizes in (requested, network))
        hint = "leave out --network and --preset, or pass another --checkpoint or --run-name"
        raise SettingsError("--network or --preset", found, f"{expected}, the network of {file}", hint)


def warn_if_maps_differ(trained: TrainedNetwork, source: SequenceSource) -> None:
    """Log a warning for each drawing setting that is known to differ between training maps and these maps."""
    training_maps, maps = trained.facts.data.get("drawn"), how_drawn(source)
    for name, before, now in differences(training_maps or {}, maps or {}):
        text = "%s was trained on maps with %s %s, but the maps in %s have %s"
        log.warning(text, trained.location.label, name, before, source.path, now)


def embed_and_gather(
    model: EmbeddingModel,
    source: SequenceSource,
    keys: Sequence[Key],
    options: InferenceOptions,
    embedding: int,
    advance: Advance | None = None,
) -> Embeddings | None:
    """Embed sequences with all processes.

    Args:
        model: trained network on its device.
        source: maps or pairs.
        keys: sequences to embed, in output order.
        options: batch size, maximum number of frames, and workers.
        embedding: 1: before the batch norm neck; 2: after it.
        advance: called with the number of embedded sequences.

    Returns:
        Embeddings in the process of rank 0; None in all others.

    Raises:
        DataError: if a sequence cannot be read.
        CheckpointError: if an embedding is not finite.
    """
    chunks = embed_in_rounds(model, source, keys, options, advance=advance)
    if not is_main():
        deque(chunks, maxlen=0)
        return None
    return collect_chunks(chunks, source, keys, embedding, options.max_frames)


def embedding_facts(trained: TrainedNetwork, source: SequenceSource, config: WithNetwork) -> EmbeddingFacts:
    """Return the origin of embeddings of a network.

    Args:
        trained: the network.
        source: embedded sequences.
        config: section of the command.
    """
    return EmbeddingFacts(
        network=trained.facts.network,
        iteration=trained.facts.iteration,
        checkpoint=trained.location.name,
        checkpoint_sha256=trained.sha256(),
        test_embedding=trained.test_embedding,
        source=str(source.path.resolve()),
        max_frames=config.max_frames,
        precision=config.precision,
        settings=config.model_dump(mode="json"),
        drawn=how_drawn(source) or {},
        chosen_on=trained.chosen_on,
        preset=trained.facts.preset,
    )


def inference_options(config: WithNetwork) -> InferenceOptions:
    """Return the inference options of a settings section."""
    return InferenceOptions(config.precision, config.batch_size, config.max_frames, config.num_workers)


def _best_evaluation(run: Path) -> BestEvaluation:
    best = best_evaluation(run)
    if best is None:
        hint = "leave out --best, or train with --eval-during-training"
        raise CheckpointError(run, "no evaluation during training", "evaluations to choose the best checkpoint", hint)
    return best
