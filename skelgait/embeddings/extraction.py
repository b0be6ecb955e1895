"""Extraction of embeddings from sequences by a trained network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skelgait.embeddings.embeddings import Embeddings, check_finite
from skelgait.embeddings.model import EmbeddingModel
from skelgait.errors import SettingsError
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.process_group import process_group
from skelgait.sampling.sequences import PackedSequences, sequence_batches
from skelgait.storage import Key, SequenceSource

if TYPE_CHECKING:
    import torch

    from skelgait.models import GaitNetwork

_ROUND_SIZE = 512


@dataclass(frozen=True)
class InferenceOptions:
    """Options of running a network on sequences. Only `precision` and `max_frames` change the result.

    Attributes:
        precision: arithmetic of the network: float32 (default), bf16 or fp16.
        batch_size: sequences that go through the network at once; default: 1.
        max_frames: frames used of each sequence, longer ones are cut; default: 720.
        num_workers: processes that read sequences; default: 0, read in the main process.

    Raises:
        SettingsError: if a number is negative, or `batch_size` or `max_frames` is 0.
    """

    precision: str = "float32"
    batch_size: int = 1
    max_frames: int = 720
    num_workers: int = 0

    def __post_init__(self) -> None:
        """Check that the numbers are possible."""
        for name, least in (("batch_size", 1), ("max_frames", 1), ("num_workers", 0)):
            if getattr(self, name) < least:
                raise SettingsError(name, str(getattr(self, name)), f"at least {least}", f"pass {name}={least} or more")


class EmbeddingChunk(NamedTuple):
    """Embeddings of some of the sequences.

    Attributes:
        indices: (n,) positions of the sequences in `keys`.
        embedding_1: (n, S, D) float32, before the batch norm neck, in the memory layout of embedding files.
        embedding_2: (n, S, D) float32, after the batch norm neck.
    """

    indices: NDArray[np.int64]
    embedding_1: NDArray[np.float32]
    embedding_2: NDArray[np.float32]


def embed(
    network: GaitNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    device: torch.device,
    *,
    embedding: int = 1,
    options: InferenceOptions | None = None,
    advance: Advance | None = None,
) -> Embeddings:
    """Embed sequences and return the embeddings in the order of `keys`.

    The work is shared between all processes, and each process gets all embeddings. The embedding of a sequence does not
    depend on batch size, order, workers or the number of processes.

    Args:
        network: trained network.
        source: source of the sequences.
        keys: sequences to embed, in output order.
        device: device of the network.
        embedding: 1 (default): before the batch norm neck; 2: after it.
        options: precision, batch size, frames and workers.
        advance: called with the number of sequences embedded since the last call.

    Raises:
        DataError: if a sequence cannot be read.
        CheckpointError: if an embedding is not finite.
    """
    from skelgait.embeddings.torch_model import TorchModel

    options = options or InferenceOptions()
    model = TorchModel(network, device, options.precision)
    chunks = embed_in_rounds(model, source, keys, options, advance=advance)
    return collect_chunks(chunks, source, keys, embedding, options.max_frames)


def collect_chunks(
    chunks: Iterable[EmbeddingChunk], source: SequenceSource, keys: Sequence[Key], embedding: int, max_frames: int
) -> Embeddings:
    """Return the embeddings of all chunks in memory, in the order of `keys`.

    Args:
        chunks: chunks that together cover all `keys`.
        source: source of the sequences, for their lengths.
        keys: embedded sequences.
        embedding: 1: before the batch norm neck; 2: after it.
        max_frames: frames used of each sequence.
    """
    (values,) = _collect(chunks, len(keys), [embedding])
    return Embeddings(keys, values, sum(source.length(key) > max_frames for key in keys))


def collect_both(chunks: Iterable[EmbeddingChunk], n: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return embeddings 1 and 2 (n, D, S) of all chunks in memory.

    Args:
        chunks: chunks that together cover all n sequences.
        n: number of sequences.
    """
    first, second = _collect(chunks, n, [1, 2])
    return first, second


def _collect(chunks: Iterable[EmbeddingChunk], n: int, numbers: Sequence[int]) -> list[NDArray[np.float32]]:
    """Return some of the embeddings 1 and 2 (n, D, S) of all chunks."""
    values = [np.empty((0, 1, 1), np.float32) for _ in numbers]
    for chunk in chunks:
        for i, number in enumerate(numbers):
            rows = chunk.embedding_1 if number == 1 else chunk.embedding_2
            if not len(values[i]):
                values[i] = np.empty((n, *rows.shape[1:]), np.float32)
            values[i][chunk.indices] = rows
    return [array.swapaxes(1, 2) for array in values]


def embed_in_rounds(
    model: EmbeddingModel,
    source: SequenceSource,
    keys: Sequence[Key],
    options: InferenceOptions | None = None,
    *,
    round_size: int = _ROUND_SIZE,
    advance: Advance | None = None,
) -> Iterator[EmbeddingChunk]:
    """Yield both embeddings of all sequences in chunks, so that no process holds all of them.

    Each process gets every chunk.

    Args:
        model: trained network on its device.
        source: source of the sequences.
        keys: sequences to embed.
        options: batch size, frames and workers; the model has its own precision.
        round_size: sequences that each process embeds before the processes exchange their embeddings.
        advance: called with the number of sequences embedded since the last call.

    Raises:
        DataError: if a sequence cannot be read.
        CheckpointError: if an embedding is not finite.
    """
    options = options or InferenceOptions()
    group = process_group()
    indices = range(group.rank, len(keys), group.size)
    batches = sequence_batches(
        source, keys, indices,
        batch_size=options.batch_size, max_frames=options.max_frames, workers=options.num_workers,
    )  # fmt: skip
    n_rounds = -(-len(range(0, len(keys), group.size)) // round_size)
    rows = _embedded_rows(model, batches, lambda n: (advance or no_progress)(n * group.size))
    for _ in range(n_rounds):
        gathered = group.gather(list(islice(rows, round_size)))
        all_rows = [row for process_rows in gathered for row in process_rows]
        chunk = EmbeddingChunk(*(np.stack(column) for column in zip(*all_rows, strict=True)))
        for values in (chunk.embedding_1, chunk.embedding_2):
            check_finite(values, keys, "the embeddings", chunk.indices)
        yield chunk


Row = tuple[int, NDArray[np.float32], NDArray[np.float32]]


def _embedded_rows(
    model: EmbeddingModel, batches: Iterator[PackedSequences], advance: Callable[[int], None]
) -> Iterator[Row]:
    """Yield the index and both embeddings (S, D) of each sequence of this process."""
    for batch in batches:
        first, second = model.embed(batch.frames, batch.lengths)
        yield from zip(batch.indices, first, second, strict=True)
        advance(len(batch.lengths))
