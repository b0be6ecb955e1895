"""Loading of the trained network that settings name, and its embeddings."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from skelgait.checkpoints.best_checkpoint import best_evaluation
from skelgait.checkpoints.checkpoint import Checkpoint, load_checkpoint
from skelgait.checkpoints.folder import find_checkpoint
from skelgait.embeddings import Embeddings, InferenceOptions
from skelgait.embeddings.extraction import collect_chunks, embed_in_rounds
from skelgait.errors import CheckpointError
from skelgait.models import GaitNetwork
from skelgait.pipelines import workspace
from skelgait.runtime.advance import Advance
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.settings.embedding import WithNetwork
from skelgait.storage import Key, SequenceSource
from skelgait.training.fingerprint import differences, how_drawn

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedNetwork:
    """Trained network and its checkpoint file.

    Attributes:
        path: checkpoint file.
        checkpoint: content of the file.
        test_embedding: embedding to compare by default, 1 or 2.
    """

    path: Path
    checkpoint: Checkpoint
    test_embedding: int

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.checkpoint.architecture.name

    def sha256(self) -> str:
        """Return the SHA-256 of the file, as hexadecimal digits."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
        return digest.hexdigest()


def load_trained_network(settings: Settings, config: WithNetwork) -> TrainedNetwork:
    """Load a checkpoint.

    Args:
        settings: all settings; they give the folder of the run.
        config: section of the command; it gives the checkpoint, or which one of the run (default: the newest).

    Raises:
        CheckpointError: if there is no such checkpoint, or if it cannot be used.
    """
    path = config.checkpoint or _find_checkpoint(workspace.run_folder(settings), config)
    checkpoint = load_checkpoint(path)
    test_embedding = checkpoint.test_embedding or workspace.test_embedding_of(settings, checkpoint.architecture.name)
    return TrainedNetwork(path, checkpoint, test_embedding)


def warn_if_maps_differ(trained: TrainedNetwork, source: SequenceSource) -> None:
    """Log a warning for each drawing setting that is known to differ between training maps and these maps."""
    training_maps, maps = trained.checkpoint.data.get("drawn"), how_drawn(source)
    for name, before, now in differences(training_maps or {}, maps or {}):
        text = "%s was trained on maps with %s %s, but the maps in %s have %s"
        log.warning(text, trained.path, name, before, source.path, now)


def embed_and_gather(
    network: GaitNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    device: torch.device,
    options: InferenceOptions,
    embedding: int,
    advance: Advance | None = None,
) -> Embeddings | None:
    """Embed sequences with all processes.

    Args:
        network: network in eval mode.
        source: maps or pairs.
        keys: sequences to embed, in output order.
        device: device of the network.
        options: precision, batch size, maximum number of frames, and workers.
        embedding: 1: before the batch norm neck; 2: after it.
        advance: called with the number of embedded sequences.

    Returns:
        Embeddings in the process of rank 0; None in all others.

    Raises:
        DataError: if a sequence cannot be read.
        CheckpointError: if an embedding is not finite.
    """
    chunks = embed_in_rounds(network, source, keys, device, options, advance=advance)
    if not is_main():
        deque(chunks, maxlen=0)
        return None
    return collect_chunks(chunks, source, keys, embedding, options.max_frames)


def inference_options(config: WithNetwork) -> InferenceOptions:
    """Return the inference options of a settings section."""
    return InferenceOptions(config.precision, config.batch_size, config.max_frames, config.num_workers)


def _find_checkpoint(run: Path, config: WithNetwork) -> Path:
    if not config.best:
        return find_checkpoint(run, config.iteration)
    best = best_evaluation(run)
    if best is None:
        hint = "leave out --best, or train with --set train.eval_during_training=true"
        raise CheckpointError(run, "no evaluation during training", "evaluations to choose the best checkpoint", hint)
    return find_checkpoint(run, best.iteration)
