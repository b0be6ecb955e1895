"""From sequences to embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from skelgait.errors import CheckpointError
from skelgait.models import GaitNetwork
from skelgait.runtime.processes import gather_objects, rank, world_size
from skelgait.sampling.sequences import sequence_batches
from skelgait.storage import Key, SequenceSource

_TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of sequences.

    Attributes:
        keys: whose they are.
        values: (N, D, S) float32, on the CPU.
        n_cut: sequences that were longer than what was used of them.
    """

    keys: Sequence[Key]
    values: Tensor
    n_cut: int = 0


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

    The result of a sequence depends neither on batch size nor on the number of processes.

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
    network = network.to(device).eval()
    own = range(rank(), len(keys), world_size())
    rows: list[tuple[int, np.ndarray]] = []
    loaded = sequence_batches(source, keys, own, batch_size=batch_size, max_frames=max_frames, workers=workers)
    with torch.inference_mode(), torch.autocast(device.type, _TYPES[precision], enabled=precision != "float32"):
        for batch in loaded:
            frames = batch.frames.to(device).to(torch.float32, memory_format=torch.channels_last).div_(255)
            output = network(frames, batch.lengths)
            values = output.embedding if embedding == 1 else output.neck_embedding
            rows += zip(batch.labels.tolist(), values.float().cpu().numpy(), strict=True)
            advance(len(batch.lengths) * world_size())
    gathered = sorted((row for part in gather_objects(rows) for row in part), key=lambda row: row[0])
    values = torch.from_numpy(np.stack([value for _, value in gathered]))
    _check_finite(values, keys)
    return Embeddings(keys, values, sum(source.length(key) > max_frames for key in keys))


def _check_finite(values: Tensor, keys: Sequence[Key]) -> None:
    finite = values.isfinite().flatten(1).all(1)
    if not finite.all():
        bad = int((~finite).sum())
        first = keys[int((~finite).nonzero()[0])]
        mend = "use an earlier checkpoint, or --set evaluate.precision=float32"
        raise CheckpointError("the embeddings", f"{bad} that are not finite, first that of {first}", "numbers", mend)
