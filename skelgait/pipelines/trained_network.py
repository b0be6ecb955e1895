"""The trained network that settings name, and the sequences embedded by it."""

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
    """A checkpoint that is used.

    Attributes:
        path: its file.
        checkpoint: what is in it.
        test_embedding: the embedding that is compared, 1 or 2, unless asked otherwise.
    """

    path: Path
    checkpoint: Checkpoint
    test_embedding: int

    @property
    def name(self) -> str:
        """The network's name."""
        return self.checkpoint.architecture.name

    def sha256(self) -> str:
        """The SHA-256 of the file, in hexadecimal digits."""
        digest = hashlib.sha256()
        with self.path.open("rb") as file:
            while piece := file.read(2**20):
                digest.update(piece)
        return digest.hexdigest()


def trained_network(settings: Settings, chosen: WithNetwork) -> TrainedNetwork:
    """The checkpoint that `chosen` names, or that of the run.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used.
    """
    path = chosen.checkpoint or _checkpoint_of(workspace.run_folder(settings), chosen)
    checkpoint = load_checkpoint(path)
    own = checkpoint.test_embedding or workspace.test_embedding_of(settings, checkpoint.architecture.name)
    return TrainedNetwork(path, checkpoint, own)


def warn_of_other_maps(trained: TrainedNetwork, source: SequenceSource) -> None:
    """Warn where the maps are known to be drawn in another way than those that the network was trained on."""
    before, now = trained.checkpoint.data.get("drawn"), how_drawn(source)
    for what, there, here in differences(before or {}, now or {}):
        log.warning(
            "%s was trained on maps with %s %s; those in %s have %s", trained.path, what, there, source.path, here
        )


def embed_for_main(
    network: GaitNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    device: torch.device,
    options: InferenceOptions,
    embedding: int,
    advance: Advance | None = None,
) -> Embeddings | None:
    """Embeddings of `keys`, for the first process, which goes on with them; None in the others.

    Raises:
        DataError: a sequence cannot be read.
        CheckpointError: an embedding is not a finite number.
    """
    chunks = embed_in_rounds(network, source, keys, device, options, advance=advance)
    if not is_main():
        deque(chunks, maxlen=0)
        return None
    return collect_chunks(chunks, source, keys, embedding, options.max_frames)


def inference_options(config: WithNetwork) -> InferenceOptions:
    """Return the options of running the network that the settings give."""
    return InferenceOptions(config.precision, config.batch_size, config.max_frames, config.num_workers)


def _checkpoint_of(run: Path, chosen: WithNetwork) -> Path:
    if not chosen.best:
        return find_checkpoint(run, chosen.iteration)
    best = best_evaluation(run)
    if best is None:
        hint = "leave out --best; train with --set train.eval_during_training=true the next time"
        raise CheckpointError(run, "no test while training", "tests, to tell the best checkpoint", hint)
    return find_checkpoint(run, best.iteration)
