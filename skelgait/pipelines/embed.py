"""A file of embeddings from settings."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from skelgait.embeddings import EmbeddingFacts, write_embeddings
from skelgait.embeddings.extraction import embed_in_rounds
from skelgait.errors import DataError
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import inference_options, trained_network, warn_of_other_maps
from skelgait.runtime.advance import Advance
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.processes import is_main
from skelgait.settings import Settings
from skelgait.storage import Key, SequenceSource
from skelgait.training.fingerprint import how_drawn


@dataclass(frozen=True)
class EmbedReport:
    """A file of embeddings that was written.

    Attributes:
        file: the file.
        network: the network's name.
        checkpoint: its checkpoint.
        sequences: sequences embedded.
        identities: people whose they are.
        cut: sequences that were longer than what was used of them.
    """

    file: Path
    network: str
    checkpoint: Path
    sequences: int
    identities: int
    cut: int


def embed_run(settings: Settings, device: torch.device, advance: Advance | None = None) -> EmbedReport | None:
    """Embed the sequences that `settings` name into one file. Returns None in all processes but the first.

    Raises:
        CheckpointError: there is no such checkpoint, or it cannot be used; or an embedding is not a finite number.
        DataError: there is no such sequence, one cannot be read, or the file cannot be written.
        SettingsError: identities are asked for that only a partition could tell.
    """
    keep_freed_memory()
    chosen = settings.embed
    trained = trained_network(settings, chosen)
    source = workspace.open_inputs(settings, trained.name)
    warn_of_other_maps(trained, source)
    keys = _keys(settings, source)
    options = inference_options(chosen)
    chunks = embed_in_rounds(trained.checkpoint.network(), source, keys, device, options, advance=advance)
    if not is_main():
        deque(chunks, maxlen=0)
        return None
    frames = [source.length(key) for key in keys]
    facts = EmbeddingFacts(
        network=trained.name,
        iteration=trained.checkpoint.iteration,
        checkpoint=str(trained.path.resolve()),
        checkpoint_sha256=trained.sha256(),
        test_embedding=trained.test_embedding,
        source=str(source.path.resolve()),
        max_frames=chosen.max_frames,
        precision=chosen.precision,
        settings=chosen.model_dump(mode="json"),
        drawn=how_drawn(source) or {},
    )
    write_embeddings(chosen.out, keys, frames, chunks, facts)
    n_truncated = sum(n > chosen.max_frames for n in frames)
    return EmbedReport(
        chosen.out, trained.name, trained.path, len(keys), len({key.identity for key in keys}), n_truncated
    )


def _keys(settings: Settings, source: SequenceSource) -> Sequence[Key]:
    wanted = settings.embed.identities
    if wanted is None:
        wanted = "test" if settings.dataset or settings.partition else "all"
    if wanted == "all":
        return source.keys
    partition = workspace.partition_of(settings)
    identities = partition.test if wanted == "test" else partition.train
    keys = [key for key in source.keys if key.identity in identities]
    if not keys:
        found = f"identities {', '.join(sorted({key.identity for key in source.keys})[:5])}, ..."
        expected = f"those to {wanted}, {', '.join(sorted(identities)[:5]) or 'of which there are none'}, ..."
        hint = "name the right --dataset or --partition, or --identities all"
        raise DataError(source.path, found, expected, hint)
    return keys
