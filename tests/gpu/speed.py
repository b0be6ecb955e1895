"""Check of the speed: training steps a second beside a plain loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from skelgait import GaitLoss, open_source, train
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource
from tests.gpu.check import Check, shortfall
from tests.models.plain import PlainNetwork
from tests.synthetic_data import write_random_maps

# Share of the plain loop's speed that may be missing: what is measured differs by a tenth from run to run.
LIMIT = 0.2
# Small enough for random maps.
LEARNING_RATE = 0.01


class Load(NamedTuple):
    """Size of the training: channels of the network, identities and sequences of each in a batch, frames, steps."""

    channels: tuple[int, int, int, int]
    identities: int
    sequences: int
    frames: int
    steps: int
    precision: torch.dtype


class Output(NamedTuple):
    """Output of the plain network."""

    embedding: Tensor
    logits: Tensor


LOADS = {
    "cuda": Load((64, 128, 256, 512), 8, 4, 30, 30, torch.float16),
    "cpu": Load((4, 4, 4, 4), 2, 2, 3, 2, torch.bfloat16),
}
PRECISIONS = {torch.float16: "fp16", torch.bfloat16: "bf16"}


def speed_checks() -> Iterator[Check]:
    """Yield the check."""
    yield Check("training steps a second, plain loop", plain_speed, training_speed, shortfall, LIMIT, "(slower)")


def training_speed(device: torch.device) -> NDArray[np.float64]:
    """Return the steps a second of the second half of a training."""
    load = LOADS[device.type]
    with TemporaryDirectory() as name:
        source = _source(Path(name), load)
        settings = TrainSettings.model_validate(
            {
                "network": {"channels": load.channels},
                "optimizer": {"learning_rate": LEARNING_RATE},
                "sampling": {
                    "identities_per_batch": load.identities, "sequences_per_identity": load.sequences,
                    "clip_len": load.frames, "skip": 0,
                },
                "augmentation": {"perspective": 0, "mirror": 0, "rotation": 0},
                "precision": PRECISIONS[load.precision],
                "iterations": 2 * load.steps, "log_every": load.steps, "save_every": 10**6, "num_workers": 2,
            }
        )  # fmt: skip
        identities = {key.identity for key in source.keys}
        return np.array([train(source, identities, Path(name, "run"), settings, device).metrics["steps_per_second"]])


def plain_speed(device: torch.device) -> NDArray[np.float64]:
    """Return the steps a second of a plain loop over a DataLoader, with the same network, loss, batches and autocast.

    Like most code, it lets PyTorch choose the algorithms.
    """
    load = LOADS[device.type]
    with TemporaryDirectory() as name:
        batches = DataLoader(
            _RandomClips(_source(Path(name), load), load),
            batch_size=load.identities * load.sequences,
            num_workers=2,
            pin_memory=device.type == "cuda",
        )
        network = PlainNetwork(2, load.channels, (1, 1, 1, 1), load.identities).to(device)
        for weight in (network.FCs.fc_bin, network.BNNecks.fc_bin):
            torch.nn.init.xavier_uniform_(weight)
        optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=0.9, weight_decay=5e-4)
        scaler, loss = torch.amp.GradScaler(device.type, enabled=load.precision == torch.float16), GaitLoss()
        start = 0.0
        for step, (frames, labels) in enumerate(batches):
            if step == load.steps:
                _wait_for(device)
                start = time.perf_counter()
            with torch.autocast(device.type, load.precision):
                clips = frames.to(device, non_blocking=True).transpose(1, 2).float().div_(255)
                embedding, _, logits = network(clips)
            total = loss(Output(embedding.float(), logits.float()), labels).total
            optimizer.zero_grad()
            scaler.scale(total).backward()
            scaler.step(optimizer)
            scaler.update()
        _wait_for(device)
        return np.array([load.steps / (time.perf_counter() - start)])


class _RandomClips(Dataset[tuple[Tensor, int]]):
    """Random clips (T, 2, 64, 44) of all batches, one after the other."""

    def __init__(self, source: SequenceSource, load: Load) -> None:
        self._source, self._load = source, load

    def __len__(self) -> int:
        return 2 * self._load.steps * self._load.identities * self._load.sequences

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        key = self._source.keys[index % len(self._source.keys)]
        maps = self._source.read(key)[0]
        start = np.random.default_rng(index).integers(len(maps) - self._load.frames + 1)
        return torch.from_numpy(maps[start : start + self._load.frames, :, :, 10:54].copy()), int(key.identity)


def _source(folder: Path, load: Load) -> SequenceSource:
    write_random_maps(folder / "maps", load.identities, load.sequences, load.frames)
    return open_source(folder / "maps", "map")


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
