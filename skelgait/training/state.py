"""A network in training: all that changes with a step, and what a checkpoint keeps of it."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint
from skelgait.checkpoints.initial_weights import initial_weights
from skelgait.errors import SettingsError, SkelgaitError
from skelgait.losses import GaitLoss
from skelgait.models.cpu.sync_batch_norm import synchronize_batch_norm
from skelgait.runtime.processes import world_size
from skelgait.sampling.batch import Batch
from skelgait.settings.training import TrainSettings
from skelgait.training.precision import Precision

# Loss scaling begins far too high on purpose, and comes down by half with each skipped step.
_SKIPPED_IN_A_ROW = 60


class TrainingState:
    """Network, optimizer, schedule, loss scaling and counters, freshly initialized by the seed.

    There are no random states among them: every draw is a function of seed and iteration.

    Attributes:
        network: the network, on the device.
        iteration: steps of the optimizer.
        drawn: batches drawn; more than steps where loss scaling has skipped some.
        not_finite: losses in a row that were no finite numbers; kept on the device, since asking for the number would
            wait for the device at every step.

    Args:
        run: the run's folder, for errors.
        architecture: the network's.
        settings: how to train.
        device: where the network runs.

    Raises:
        SettingsError: the precision is not to be had on the device.
    """

    def __init__(self, run: Path, architecture: Architecture, settings: TrainSettings, device: torch.device) -> None:
        self._run, self._settings, self._device = run, settings, device
        self.architecture = architecture
        torch.manual_seed(settings.seed)
        self.network = architecture.build().to(device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=settings.optimizer.learning_rate,
            momentum=settings.optimizer.momentum,
            weight_decay=settings.optimizer.weight_decay,
        )
        milestones = list(settings.optimizer.milestones)
        self.scheduler = torch.optim.lr_scheduler.MultiStepLR(self.optimizer, milestones, settings.optimizer.gamma)
        self.precision = Precision(settings.precision, device)
        self.loss = GaitLoss(settings.losses.model_dump())
        self.iteration = self.drawn = self._skipped = 0
        self.not_finite = torch.zeros((), device=device)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.scheduler.get_last_lr()[0])

    @property
    def checkpoint_bytes(self) -> int:
        """About as many as a checkpoint takes on the disk: weights and their momentum, and a little more."""
        values: Iterable[Tensor] = self.network.state_dict().values()
        return 2**20 + 2 * sum(value.numel() * value.element_size() for value in values)

    def model(self) -> nn.Module:
        """What a step calls: the network in train mode, compiled if wanted, over all processes.

        Raises:
            SettingsError: it is to be compiled for a CPU, and there is no compiler.
        """
        self.network.train()
        if world_size() > 1:
            synchronize_batch_norm(self.network, self._device)
        model = _compiled(self.network, self._device) if self._settings.compile else self.network
        if world_size() == 1:
            return model
        # Said of weights with a dimension of size 1, where strides mean nothing.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        # Batch norm is the same in all processes already, so its buffers need not be sent round.
        devices = [self._device] if self._device.type == "cuda" else None
        return cast("nn.Module", DistributedDataParallel(model, devices, forward_sync_buffers=False))

    def step(self, model: nn.Module, batch: Batch) -> dict[str, Tensor] | None:
        """One step on a batch; the loss terms, or None where gradients did not fit into fp16 and it was skipped.

        Raises:
            SkelgaitError: too many steps in a row were skipped.
        """
        self.drawn += 1
        frames = batch.frames.to(self._device, non_blocking=True)
        values = frames.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self.precision.autocast():
            output = model(values, batch.lengths)
        loss = self.loss(output, batch.labels)
        if not self.precision.step(loss.total, self.optimizer):
            self._skipped += 1
            if self._skipped == _SKIPPED_IN_A_ROW:
                raise self._not_finite("gradients that do not fit into fp16", self._skipped)
            return None
        self._skipped = 0
        self.scheduler.step()
        self.iteration += 1
        self.not_finite = torch.where(loss.total.detach().isfinite(), 0, self.not_finite + 1)
        return loss.terms

    def refuse_not_finite(self, times: int) -> None:
        """Stop if so many losses in a row were no finite numbers; waits for the device.

        Raises:
            SkelgaitError: they were.
        """
        if (found := int(self.not_finite.item())) >= times:
            raise self._not_finite("a loss that is not finite", found)

    def checkpoint(self, data: Mapping[str, Any]) -> Checkpoint:
        """All of it, with the fingerprint of the data."""
        return Checkpoint(
            architecture=self.architecture,
            weights=self.network.state_dict(),
            iteration=self.iteration,
            test_embedding=self._settings.network.test_embedding,
            training={
                "optimizer": self.optimizer.state_dict(),
                "scheduler": self.scheduler.state_dict(),
                "scaler": self.precision.scaler.state_dict(),
                "drawn": self.drawn,
            },
            settings=self._settings.model_dump(mode="json"),
            data=data,
        )

    def begin_with(self, path: Path) -> tuple[str, ...]:
        """Begin with the weights of a checkpoint, skelgait or OpenGait; the classifier only where the classes fit.

        Returns:
            The names of weights that stay freshly initialized.

        Raises:
            CheckpointError: it cannot be read, or is of another architecture.
        """
        weights, dropped = initial_weights(path, self.architecture)
        self.network.load_state_dict(dict(weights), strict=not dropped)
        return dropped

    def restore(self, checkpoint: Checkpoint) -> None:
        """Be as when the checkpoint was made."""
        self.network.load_state_dict(dict(checkpoint.weights))
        self.optimizer.load_state_dict(checkpoint.training["optimizer"])
        self.scheduler.load_state_dict(checkpoint.training["scheduler"])
        self.precision.scaler.load_state_dict(checkpoint.training["scaler"])
        self.iteration, self.drawn = checkpoint.iteration, checkpoint.training["drawn"]

    def _not_finite(self, found: str, times: int) -> SkelgaitError:
        hint = "lower train.optimizer.learning_rate, or use --precision float32"
        return SkelgaitError(self._run, f"{found}, {times} steps in a row", "numbers", hint)


def _compiled(network: nn.Module, device: torch.device) -> nn.Module:
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        raise SettingsError("--compile", "no C++ compiler", "g++ or clang++", "install one, or leave out --compile")
    return cast("nn.Module", torch.compile(network))
