"""From sequences to embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from skelgait.embeddings.embeddings import Embeddings, check_finite
from skelgait.models import GaitNetwork
from skelgait.runtime.processes import gather_objects, rank, world_size
from skelgait.sampling.batch import Batch
from skelgait.sampling.sequences import sequence_batches
from skelgait.storage import Key, SequenceSource

_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
# Sequences of each process, after which the processes bring together what they have.
_ROUND = 512


class Embedded(NamedTuple):
    """Some sequences, embedded.

    Attributes:
        places: (n,) where in `keys` they stand.
        embedding_1: (n, S, D) float32, before the batch norm neck; strip by strip, as files hold them.
        embedding_2: (n, S, D) float32, after it.
    """

    places: NDArray[np.int64]
    embedding_1: NDArray[np.float32]
    embedding_2: NDArray[np.float32]


def embed(
    network: GaitNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    device: torch.device,
    *,
    embedding: int = 1,
    precision: str = "float32",
    batch_size: int = 1,
    max_frames: int = 720,
    workers: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Embeddings:
    """Embed sequences, shared between all processes; each process gets all embeddings, in the order of `keys`.

    The result of a sequence depends neither on batch size, order or workers nor on the number of processes.

    Args:
        network: the trained network.
        source: the sequences.
        keys: which of them.
        device: where the network runs.
        embedding: 1, before the batch norm neck, or 2, after it.
        precision: float32, bf16 or fp16.
        batch_size: sequences that go through the network at once.
        max_frames: frames used of a sequence.
        workers: processes that read.
        advance: told how many sequences have been embedded since the last call.

    Raises:
        DataError: a sequence cannot be read.
        CheckpointError: an embedding is not a finite number.
    """
    parts = embed_in_rounds(
        network, source, keys, device,
        precision=precision, batch_size=batch_size, max_frames=max_frames, workers=workers, advance=advance,
    )  # fmt: skip
    return collected(parts, source, keys, embedding, max_frames)


def collected(
    parts: Iterable[Embedded], source: SequenceSource, keys: Sequence[Key], embedding: int, max_frames: int
) -> Embeddings:
    """Embeddings brought together in memory; arguments as of `embed`."""
    values = torch.empty(0, 1, 1)
    for part in parts:
        own = part.embedding_1 if embedding == 1 else part.embedding_2
        if not len(values):
            values = torch.empty(len(keys), *own.shape[1:])
        values[part.places] = torch.from_numpy(own)
    return Embeddings(keys, values.transpose(1, 2), sum(source.length(key) > max_frames for key in keys))


def embed_in_rounds(
    network: GaitNetwork,
    source: SequenceSource,
    keys: Sequence[Key],
    device: torch.device,
    *,
    precision: str = "float32",
    batch_size: int = 1,
    max_frames: int = 720,
    workers: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Embedded]:
    """As `embed`, both embeddings, a part after the other, so that no process holds all of them.

    Each process gets every part. Arguments and errors as of `embed`.
    """
    network = network.to(device).eval()
    own = range(rank(), len(keys), world_size())
    batches = sequence_batches(source, keys, own, batch_size=batch_size, max_frames=max_frames, workers=workers)
    rounds = -(-len(range(0, len(keys), world_size())) // _ROUND)
    rows = _embedded_rows(network, batches, device, precision, advance)
    for _ in range(rounds):
        some = list(islice(rows, _ROUND))
        everybody_s = [row for rows_of_one in gather_objects(some) for row in rows_of_one]
        part = Embedded(*(np.stack(column) for column in zip(*everybody_s, strict=True)))
        for values in (part.embedding_1, part.embedding_2):
            check_finite(torch.from_numpy(values), keys, "the embeddings", part.places)
        yield part


Row = tuple[int, NDArray[np.float32], NDArray[np.float32]]


def _embedded_rows(
    network: GaitNetwork,
    batches: Iterator[Batch],
    device: torch.device,
    precision: str,
    advance: Callable[[int], None],
) -> Iterator[Row]:
    """Of each sequence of this process its number and both embeddings (S, D)."""
    for batch in batches:
        with torch.inference_mode(), torch.autocast(device.type, _TYPES[precision], enabled=precision != "float32"):
            frames = batch.frames.to(device).to(torch.float32, memory_format=torch.channels_last).div_(255)
            output = network(frames, batch.lengths)
            both = (output.embedding, output.neck_embedding)
            first, second = (part.transpose(1, 2).contiguous().float().cpu().numpy() for part in both)
        yield from zip(batch.labels.tolist(), first, second, strict=True)
        advance(len(batch.lengths) * world_size())
