"""Pipeline of `skelgait embed`: embedding file from settings."""

from __future__ import annotations

import shlex
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from skelgait.datasets.identities import MissingPeople, find_missing, select_identities
from skelgait.embeddings import write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk, embed_in_rounds
from skelgait.embeddings.onnx_file import threads
from skelgait.pipelines import workspace
from skelgait.pipelines.trained_network import (
    TrainedNetwork,
    embedding_facts,
    inference_options,
    load_trained_network,
    warn_if_maps_differ,
)
from skelgait.runtime.advance import Advance
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main, process_group
from skelgait.settings import Settings
from skelgait.settings.embedding import EmbedSettings
from skelgait.storage import Key, SequenceSource
from skelgait.storage.lock import lock_file

# Shorter runs do not repay an export.
_SLOW_SECONDS = 60.0
# Channels of the widest layer up to which onnxruntime is faster with several threads: 2.6 to 4.2 times at 128 (presets
# tiny), on 2 threads of a busy machine. At 512 (all other presets) it is 1.0 to 1.2 times. On one thread both take the
# same time: convolutions take 80 % of it, at the speed of a plain matrix product.
_MOST_CHANNELS = 128


@dataclass(frozen=True)
class EmbedReport:
    """Embedding file that was written.

    Attributes:
        file: path of the embedding file.
        network: name of the network.
        checkpoint: path of the checkpoint, or its name on a hub with the commit.
        checkpoint_sha256: SHA-256 of the checkpoint, as hexadecimal digits.
        sequences: number of sequences.
        identities: number of identities.
        truncated: number of sequences that were longer than `embed.max_frames`.
        hint: faster way to embed; empty: none is known.
        missing: listed people without any sequence; None: all are there, or all sequences were requested.
    """

    file: Path
    network: str
    checkpoint: str
    checkpoint_sha256: str
    sequences: int
    identities: int
    truncated: int
    hint: str = ""
    missing: MissingPeople | None = None


def embed_run(
    settings: Settings,
    advance: Advance | None = None,
    requested: Mapping[str, object] = MappingProxyType({}),
) -> EmbedReport | None:
    """Embed sequences into one file.

    Args:
        settings: settings; the section `embed` gives the checkpoint, the device, the identities and the
            file.
        advance: called with the number of embedded sequences.
        requested: name and sizes that the network must have, see `Resolved.requested_network`; default: any.

    Returns:
        Report in the process of rank 0; None in all others.

    Raises:
        CheckpointError: if there is no such checkpoint, if it cannot be used, or if an embedding is not finite.
        DataError: if there are no such sequences, if one cannot be read, if the file cannot be written, or if another
            process writes it.
        SettingsError: if training or test identities are requested without a partition, or if flags ask for another
            network than that of the checkpoint.
    """
    keep_freed_memory()
    config = settings.embed
    trained = load_trained_network(settings, config, requested)
    source = workspace.open_inputs(settings, trained.facts.modalities)
    warn_if_maps_differ(trained, source)
    keys, missing = _select_keys(settings, source)
    with lock_file(config.out, process_group()):
        options = inference_options(config)
        chunks = embed_in_rounds(trained.model, source, keys, options, advance=advance)
        if not is_main():
            deque(chunks, maxlen=0)
            return None
        return _write(config, trained, source, keys, chunks, missing)


def _write(
    config: EmbedSettings,
    trained: TrainedNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    chunks: Iterable[EmbeddingChunk],
    missing: MissingPeople | None,
) -> EmbedReport:
    lengths = [source.length(key) for key in keys]
    facts = embedding_facts(trained, source, config)
    start = time.monotonic()
    write_embeddings(config.out, keys, lengths, chunks, facts)
    n_truncated = sum(length > config.max_frames for length in lengths)
    return EmbedReport(
        file=config.out,
        network=facts.network,
        checkpoint=facts.checkpoint,
        checkpoint_sha256=facts.checkpoint_sha256,
        sequences=len(keys),
        identities=len({key.identity for key in keys}),
        truncated=n_truncated,
        hint=_faster_way(trained, time.monotonic() - start),
        missing=missing,
    )


def _faster_way(trained: TrainedNetwork, seconds: float) -> str:
    """Return how to embed faster if a network took long in torch on a CPU, and onnxruntime is installed."""
    is_torch_on_cpu = trained.model.torch_device is not None and trained.model.device == "cpu"
    is_faster = max(trained.facts.sizes["channels"]) <= _MOST_CHANNELS and threads() > 1
    if seconds < _SLOW_SECONDS or not is_torch_on_cpu or not is_faster or find_spec("onnxruntime") is None:
        return ""
    command = f"skelgait export {shlex.quote(trained.location.label)} --format onnx"
    return f"a network this small is faster in onnxruntime: run `{command}`, and pass the ONNX file to --checkpoint"


def _select_keys(settings: Settings, source: SequenceSource) -> tuple[Sequence[Key], MissingPeople | None]:
    """Return the sequences to embed, and the listed people that have none."""
    subset = settings.embed.identities
    if subset is None:
        subset = "test" if settings.dataset or settings.partition else "all"
    if subset == "all":
        return source.keys, None
    partition = workspace.partition_of(settings)
    identities = partition.test if subset == "test" else partition.train
    role = "test" if subset == "test" else "training"
    hint = "check --dataset and --partition, or use --identities all"
    keys = select_identities(source.keys, identities, Path(source.path), role, hint)
    return keys, find_missing(keys, identities, role)
