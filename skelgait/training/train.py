"""Training a network, from top to bottom."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from skelgait.errors import DataError, SkelgaitError
from skelgait.losses import GaitLoss
from skelgait.models import GaitNetwork
from skelgait.runtime.logs import log_to
from skelgait.runtime.processes import is_main, mean_over_processes, rank, world_size
from skelgait.runtime.sync_batch_norm import synchronise_batch_norm
from skelgait.sampling.batch import Batch
from skelgait.sampling.clips import Clips, batches
from skelgait.sampling.identities import IdentityBatches
from skelgait.settings.training import TrainSettings
from skelgait.storage import Key, SequenceSource
from skelgait.training.checkpoints import Architecture, Checkpoint, load_checkpoint, save_checkpoint
from skelgait.training.kept import checkpoint_path, find_checkpoint
from skelgait.training.precision import Precision
from skelgait.training.resume import check_training_state, refuse_earlier_training
from skelgait.training.run import Metrics, write_settings

log = logging.getLogger(__name__)

_NOT_FINITE_IN_A_ROW = 10
# Loss scaling begins far too high on purpose, and comes down by half with each skipped step.
_SKIPPED_IN_A_ROW = 60
_ENDLESS = 2**62


@dataclass(frozen=True)
class TrainReport:
    """What a training came to.

    Attributes:
        run: the run's folder.
        checkpoint: the last checkpoint.
        iterations: steps of the optimiser, those before a resumption included.
        identities: identities trained on.
        sequences: their sequences.
        metrics: the last logged step.
        seconds: time taken, from start or resumption.
    """

    run: Path
    checkpoint: Path
    iterations: int
    identities: int
    sequences: int
    metrics: Mapping[str, Any]
    seconds: float


def train(
    source: SequenceSource,
    identities: Collection[str],
    run: Path,
    settings: TrainSettings,
    device: torch.device,
    *,
    evaluate: Callable[[GaitNetwork, int], None] | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> TrainReport:
    """Train on the sequences of `identities` that `source` has.

    Works together with the other processes of `skelgait.runtime.processes.join_processes`, if there are any: the batch
    is shared between them, and the result is that of one process. Every draw is a function of seed and iteration, so
    that a resumed training goes on as if it had not stopped.

    Args:
        source: maps for skeletongait, pairs for skeletongait++.
        identities: whom to train on; those without sequences are left out.
        run: folder of settings, log, metrics and checkpoints.
        settings: how to train.
        device: where the network runs.
        evaluate: called with the network, in eval mode, and the iteration at every checkpoint.
        advance: told how many steps have been taken since the last call.

    Raises:
        SettingsError: settings do not fit the data or the machine.
        DataError: no sequence to train on, one that cannot be read, or a run folder that cannot be written.
        SkelgaitError: the loss is no longer a finite number.
    """
    trainer = _Trainer(source, identities, run, settings, device)
    with log_to(run / "log.txt" if is_main() else None):
        return trainer.train(evaluate, advance)


class _Trainer:
    def __init__(
        self,
        source: SequenceSource,
        identities: Collection[str],
        run: Path,
        settings: TrainSettings,
        device: torch.device,
    ) -> None:
        self.run, self.settings, self.device = run, settings, device
        if not settings.resume:
            refuse_earlier_training(run)
        keys, names = training_keys(source, identities)
        label_of = {name: label for label, name in enumerate(names)}
        labels = [label_of[key.identity] for key in keys]
        self.n_sequences, self.n_identities = len(keys), len(names)
        sampling = settings.sampling
        self.clips = Clips(
            source,
            keys,
            labels,
            sampling=sampling.frames,
            clip_len=sampling.clip_len,
            skip=sampling.skip,
            max_frames=sampling.max_frames,
            augmentation=settings.augmentation.model_dump(),
            seed=settings.seed,
        )
        self.identity_batches = IdentityBatches(
            labels,
            sampling.identities_per_batch,
            sampling.sequences_per_identity,
            settings.seed,
            rank(),
            world_size(),
        )
        torch.manual_seed(settings.seed)
        self.architecture = Architecture(classes=len(names), **settings.network.model_dump(exclude={"test_embedding"}))
        self.network = self.architecture.build().to(device)
        self.optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=settings.optimiser.learning_rate,
            momentum=settings.optimiser.momentum,
            weight_decay=settings.optimiser.weight_decay,
        )
        self.schedule = torch.optim.lr_scheduler.MultiStepLR(
            self.optimiser, list(settings.optimiser.milestones), settings.optimiser.gamma
        )
        self.precision = Precision(settings.precision, device)
        self.loss = GaitLoss(**settings.losses.model_dump())
        self.iteration = self.drawn = self.skipped = 0
        self.not_finite = torch.zeros((), device=device)
        if settings.resume:
            self._resume(find_checkpoint(run, settings.iteration))

    def train(self, evaluate: Callable[[GaitNetwork, int], None] | None, advance: Callable[[int], None]) -> TrainReport:
        settings, start = self.settings, time.perf_counter()
        write_settings(self.run, settings)
        log.info("%d sequences of %d identities", self.n_sequences, self.n_identities)
        if self.iteration:
            log.info("going on after iteration %d", self.iteration)
        metrics, line = Metrics(self.run, self.iteration), dict[str, Any]()
        model = self._over_processes()
        advance(self.iteration)
        stream = batches(
            self.clips,
            self.identity_batches,
            range(self.drawn, _ENDLESS),
            workers=settings.loader_workers,
            pin_memory=self.device.type == "cuda",
        )
        try:
            while self.iteration < settings.iterations:
                batch = next(stream)
                self.drawn += 1
                terms = self._step(model, batch)
                metrics.count(len(batch.lengths) * world_size(), len(batch.frames) * world_size())
                if terms is None:
                    continue
                advance(1)
                last = self.iteration == settings.iterations
                if last or self.iteration % settings.log_every == 0:
                    self._stop_if_not_finite()
                    line = metrics.write(
                        self.iteration, float(self.schedule.get_last_lr()[0]), mean_over_processes(terms)
                    )
                if last or self.iteration % settings.save_every == 0:
                    self._save()
                    if evaluate is not None:
                        evaluate(self.network.eval(), self.iteration)
                        self.network.train()
        except KeyboardInterrupt:
            self._save()
            log.warning("stopped after iteration %d; go on with --resume", self.iteration)
            raise
        finally:
            stream.close()
        return TrainReport(
            run=self.run,
            checkpoint=checkpoint_path(self.run, self.iteration),
            iterations=self.iteration,
            identities=self.n_identities,
            sequences=self.n_sequences,
            metrics=line,
            seconds=time.perf_counter() - start,
        )

    def _over_processes(self) -> nn.Module:
        self.network.train()
        if world_size() == 1:
            return self.network
        synchronise_batch_norm(self.network, self.device)
        # Said of weights with a dimension of size 1, where strides mean nothing.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        # Batch norm is the same in all processes already, so its buffers need not be sent round.
        devices = [self.device] if self.device.type == "cuda" else None
        return cast("nn.Module", DistributedDataParallel(self.network, devices, forward_sync_buffers=False))

    def _step(self, model: nn.Module, batch: Batch) -> dict[str, Tensor] | None:
        """One step; the loss terms, or None where it was skipped."""
        frames = batch.frames.to(self.device, non_blocking=True)
        labels = batch.labels.to(self.device, non_blocking=True)
        values = frames.to(torch.float32, memory_format=torch.channels_last).div_(255)
        with self.precision.autocast():
            output = model(values, batch.lengths)
        loss = self.loss(output, labels)
        if not self.precision.step(loss.total, self.optimiser):
            self.skipped += 1
            if self.skipped == _SKIPPED_IN_A_ROW:
                raise self._not_finite("gradients that do not fit into fp16", self.skipped)
            return None
        self.skipped = 0
        self.schedule.step()
        self.iteration += 1
        # Kept on the device: asking for the number would wait for the device at every step.
        self.not_finite = torch.where(loss.total.detach().isfinite(), 0, self.not_finite + 1)
        return loss.terms

    def _stop_if_not_finite(self) -> None:
        times = int(self.not_finite.item())
        if times >= min(_NOT_FINITE_IN_A_ROW, self.settings.log_every):
            raise self._not_finite("a loss that is not finite", times)

    def _not_finite(self, found: str, times: int) -> SkelgaitError:
        mend = "lower train.optimiser.learning_rate, or use --precision float32"
        return SkelgaitError(self.run, f"{found}, {times} steps in a row", "numbers", mend)

    def _save(self) -> None:
        if is_main():
            save_checkpoint(checkpoint_path(self.run, self.iteration), self._checkpoint())

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(
            architecture=self.architecture,
            weights=self.network.state_dict(),
            iteration=self.iteration,
            test_embedding=self.settings.network.test_embedding,
            training={
                "optimizer": self.optimiser.state_dict(),
                "scheduler": self.schedule.state_dict(),
                "scaler": self.precision.scaler.state_dict(),
                "drawn": self.drawn,
            },
            settings=self.settings.model_dump(mode="json"),
        )

    def _resume(self, path: Path) -> None:
        checkpoint = load_checkpoint(path)
        if checkpoint.architecture != self.architecture:
            raise DataError(
                path,
                str(checkpoint.architecture),
                f"{self.architecture} as the data and the settings say",
                "resume with the run's own data and settings, or name another run with --run-name",
            )
        check_training_state(path, checkpoint, self.settings.optimiser)
        self.network.load_state_dict(dict(checkpoint.weights))
        self.optimiser.load_state_dict(checkpoint.training["optimizer"])
        self.schedule.load_state_dict(checkpoint.training["scheduler"])
        self.precision.scaler.load_state_dict(checkpoint.training["scaler"])
        self.iteration, self.drawn = checkpoint.iteration, checkpoint.training["drawn"]


def training_keys(source: SequenceSource, identities: Collection[str]) -> tuple[list[Key], list[str]]:
    """The sequences of `identities`, and the identities that have any, in the order of their labels.

    Raises:
        DataError: there is no such sequence.
    """
    keys = [key for key in source.keys if key.identity in identities]
    if not keys:
        found = f"identities {', '.join(sorted({key.identity for key in source.keys})[:5])}, ..."
        expected = f"those to train on, {', '.join(sorted(identities)[:5]) or 'of which there are none'}, ..."
        raise DataError(source.path, found, expected, "name the right --dataset, or your own --partition")
    return keys, sorted({key.identity for key in keys})
