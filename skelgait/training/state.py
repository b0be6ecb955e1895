"""Training state: network, optimizer, schedule and counters, and their checkpoint."""

from __future__ import annotations

import inspect
import os
import shutil
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from skelgait.checkpoints.checkpoint import Architecture, Checkpoint
from skelgait.checkpoints.initial_weights import InitialWeights, initial_weights
from skelgait.errors import SettingsError, SkelgaitError
from skelgait.losses import GaitLoss
from skelgait.models.cpu.sync_batch_norm import synchronize_batch_norm
from skelgait.models.inputs import scale_frames
from skelgait.runtime.processes import world_size
from skelgait.sampling.batch import Batch
from skelgait.settings.training import OptimizerSettings, TrainSettings
from skelgait.training.precision import Precision

# Synchronized batch norm has the same buffers in all processes, so they need no broadcast. Older versions of torch have
# another name for this argument.
_NEW_NAME = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
_NO_BROADCAST: dict[str, Any] = {"forward_sync_buffers" if _NEW_NAME else "broadcast_buffers": False}
# Loss scaling starts too high on purpose, and is halved with each skipped step.
_MAX_SKIPPED_STEPS = 60


class TrainingState:
    """Network, optimizer, schedule, loss scaling and counters, initialized with the seed.

    There is no random state: every draw is a function of seed and iteration.

    Attributes:
        device: device of the network.
        run: folder of the run.
        device: device of the network.
        architecture: architecture of the network.
        network: network on the device.
        iteration: number of optimizer steps.
        drawn: number of batches drawn; larger than `iteration` if loss scaling skipped steps.
        not_finite: number of losses in a row that were not finite; on the device, because reading it would wait for the
            device in every step.

    Args:
        run: folder of the run.
        architecture: architecture of the network.
        settings: training settings.
        device: device of the network.
        max_skipped_steps: number of steps that loss scaling may skip in a row.

    Raises:
        SettingsError: if the device does not support the precision, or if a loss does not accept its settings.
    """

    def __init__(
        self,
        run: Path,
        architecture: Architecture,
        settings: TrainSettings,
        device: torch.device,
        max_skipped_steps: int = _MAX_SKIPPED_STEPS,
    ) -> None:
        self.run, self._settings, self.device = run, settings, device
        self._max_skipped_steps = max_skipped_steps
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
        """Learning rate of the next step."""
        return float(self.scheduler.get_last_lr()[0])

    @property
    def checkpoint_bytes(self) -> int:
        """Approximate size of a checkpoint file: weights, momentum and 1 MiB."""
        values: Iterable[Tensor] = self.network.state_dict().values()
        return 2**20 + 2 * sum(value.numel() * value.element_size() for value in values)

    def model(self) -> nn.Module:
        """Return the module that `step` calls: the network in train mode, compiled and distributed as set.

        Raises:
            SettingsError: if `compile` is set for a CPU without a C++ compiler.
        """
        self.network.train()
        if world_size() > 1:
            synchronize_batch_norm(self.network, self.device)
        model = _compiled(self.network, self.device) if self._settings.compile else self.network
        if world_size() == 1:
            return model
        # A false alarm for weights with a dimension of size 1, whose stride does not matter.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        devices = [self.device] if self.device.type == "cuda" else None
        return cast("nn.Module", DistributedDataParallel(model, devices, **_NO_BROADCAST))

    def step(self, model: nn.Module, batch: Batch) -> dict[str, Tensor] | None:
        """Train on a batch.

        Args:
            model: module returned by `model`.
            batch: sequences of this process.

        Returns:
            Terms of the loss; None if the step was skipped, because gradients overflowed in fp16.

        Raises:
            SkelgaitError: if too many steps in a row were skipped.
        """
        self.drawn += 1
        with self.precision.autocast():
            output = model(scale_frames(batch.frames, self.device), batch.lengths)
        loss = self.loss(output, batch.labels)
        if not self.precision.step(loss.total, self.optimizer):
            self._skipped += 1
            if self._skipped == self._max_skipped_steps:
                raise self._not_finite("gradients that overflow in fp16", self._skipped)
            return None
        self._skipped = 0
        self.scheduler.step()
        self.iteration += 1
        self.not_finite = torch.where(loss.total.detach().isfinite(), 0, self.not_finite + 1)
        return loss.terms

    def refuse_not_finite(self, times: int) -> None:
        """Check that fewer than `times` losses in a row were not finite. Waits for the device.

        Raises:
            SkelgaitError: if there were `times` or more.
        """
        if (found := int(self.not_finite.item())) >= times:
            raise self._not_finite("a loss that is not finite", found)

    def checkpoint(self, data: Mapping[str, Any]) -> Checkpoint:
        """Return a checkpoint of this state, with the fingerprint of the data."""
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

    def load_initial_weights(self, path: Path) -> InitialWeights:
        """Load initial weights from a skelgait or OpenGait checkpoint; the classifier only if the classes match.

        Raises:
            CheckpointError: if the file cannot be read or has another architecture.
        """
        initial = initial_weights(path, self.architecture)
        self.network.load_state_dict(dict(initial.weights), strict=not initial.dropped)
        return initial

    def restore(self, checkpoint: Checkpoint) -> None:
        """Restore the state of a checkpoint; changed settings of the optimizer apply from its iteration on."""
        self.network.load_state_dict(dict(checkpoint.weights))
        self.optimizer.load_state_dict(checkpoint.training["optimizer"])
        self.scheduler.load_state_dict(checkpoint.training["scheduler"])
        if scaler := checkpoint.training["scaler"]:  # empty without loss scaling
            self.precision.scaler.load_state_dict(scaler)
        self.iteration, self.drawn = checkpoint.iteration, checkpoint.training["drawn"]
        settings = self._settings.optimizer
        if checkpoint.settings.get("optimizer") != settings.model_dump(mode="json"):
            change_optimizer(self.optimizer, self.scheduler, settings)

    def _not_finite(self, found: str, times: int) -> SkelgaitError:
        hint = "lower train.optimizer.learning_rate, or pass --precision float32"
        return SkelgaitError(self.run, f"{found}, {times} steps in a row", "finite values", hint)


def change_optimizer(
    optimizer: torch.optim.SGD, scheduler: torch.optim.lr_scheduler.MultiStepLR, settings: OptimizerSettings
) -> None:
    """Apply other settings to an optimizer and its schedule, at their current iteration; momentum buffers stay."""
    milestones, gamma = Counter(settings.milestones), settings.gamma
    scheduler.load_state_dict(
        {**scheduler.state_dict(), "milestones": milestones, "gamma": gamma, "base_lrs": [settings.learning_rate]}
    )
    learning_rate = settings.learning_rate
    for milestone in settings.milestones:
        learning_rate *= gamma if milestone <= scheduler.last_epoch else 1
    scheduler.load_state_dict({**scheduler.state_dict(), "_last_lr": [learning_rate]})
    optimizer.param_groups[0].update(
        lr=learning_rate,
        initial_lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


def _compiled(network: nn.Module, device: torch.device) -> nn.Module:
    compilers = (os.environ.get("CXX", ""), "g++", "clang++", "cl")
    if device.type == "cpu" and not any(map(shutil.which, compilers)):
        raise SettingsError("--compile", "no C++ compiler", "g++ or clang++", "install one, or leave out --compile")
    return cast("nn.Module", torch.compile(network))
