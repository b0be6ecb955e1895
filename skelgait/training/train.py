"""Training a network, from top to bottom."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skelgait.checkpoints.checkpoint import Architecture, save_checkpoint
from skelgait.checkpoints.folder import check_free_space, checkpoint_path, remove_old_checkpoints
from skelgait.errors import DataError, SkelgaitError
from skelgait.models import GaitNetwork
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.launch import EXIT_PEER_FAILED
from skelgait.runtime.logs import log_to
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.processes import any_process, is_main, mean_over_processes, rank, world_size
from skelgait.runtime.stopping import StopRequest, stop_request
from skelgait.sampling.batch import Batch
from skelgait.sampling.clips import Clips, batches
from skelgait.sampling.identities import IdentityBatches
from skelgait.settings.training import TrainSettings
from skelgait.storage import Key, SequenceSource
from skelgait.training.evaluations import Evaluations
from skelgait.training.fingerprint import fingerprint
from skelgait.training.metrics import Metrics
from skelgait.training.resume import checkpoint_to_resume, refuse_earlier_training
from skelgait.training.run_folder import write_run
from skelgait.training.state import TrainingState
from skelgait.training.tensorboard import TensorBoardLogger

log = logging.getLogger(__name__)

_NOT_FINITE_IN_A_ROW = 10
_ENDLESS = 2**62

Evaluate = Callable[[GaitNetwork, Advance], Mapping[str, Any]]
"""From a network, in eval mode, to a report as a dictionary; tells how many sequences are done since it last told."""


@dataclass(frozen=True)
class TrainReport:
    """What a training came to.

    Attributes:
        run: the run's folder.
        checkpoint: the last checkpoint.
        iterations: steps of the optimizer, those before a resumption included.
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
    evaluate: Evaluate | None = None,
    advance: Advance = no_progress,
) -> TrainReport:
    """Train on the sequences of `identities` that `source` has.

    Works together with the other processes of `skelgait.runtime.processes.join_processes`, if there are any: the batch
    is shared between them, and the result is that of one process. Every draw is a function of seed and iteration, so
    that a resumed training goes on as if it had not stopped. Ctrl-C, SIGTERM and a sequence that cannot be read stop it
    after a whole step, with a checkpoint.

    Args:
        source: maps for skeletongait, pairs for skeletongait++.
        identities: whom to train on; those without sequences are left out.
        run: folder of settings, log, metrics and checkpoints.
        settings: how to train.
        device: where the network runs.
        evaluate: called at every checkpoint.
        advance: told how many steps have been taken since the last call.

    Raises:
        SettingsError: settings do not fit the data or the machine.
        DataError: no sequence to train on, one that cannot be read, other data than before, or a run folder that cannot
            be written.
        CheckpointError: what to go on from, or to begin with, cannot be used.
        SkelgaitError: the loss is no longer a finite number.
    """
    start = time.perf_counter()
    if not settings.resume:
        refuse_earlier_training(run)
    keep_freed_memory()
    keys, names = training_keys(source, identities)
    data = fingerprint(source, keys)
    label_of = {name: label for label, name in enumerate(names)}
    labels = [label_of[key.identity] for key in keys]
    clips, identity_batches = _clips(source, keys, labels, settings), _identity_batches(labels, settings)
    architecture = Architecture(classes=len(names), **settings.network.model_dump(exclude={"test_embedding"}))
    state = TrainingState(run, architecture, settings, device)
    begun = "beginning anew"
    if settings.resume:
        state.restore(checkpoint_to_resume(run, settings, architecture, data))
        begun = f"going on after iteration {state.iteration}"
    elif settings.init is not None:
        fresh = state.begin_with(settings.init)
        begun = f"beginning with the weights of {settings.init}" + (f", but for {', '.join(fresh)}" if fresh else "")
    check_free_space(run, state.checkpoint_bytes)
    with log_to(run / "log.txt" if is_main() else None), stop_request() as stop:
        write_run(run, settings, device, data)
        log.info("%d sequences of %d identities", len(keys), len(names))
        log.info(begun)
        advance(state.iteration)
        stream = batches(
            clips,
            identity_batches,
            range(state.drawn, _ENDLESS),
            workers=settings.num_workers,
            pin_memory=device.type == "cuda",
        )
        loop = _Loop(run, settings, state, data, stop, evaluate)
        with closing(stream):
            line = loop.run_to_the_end(stream, advance)
    return TrainReport(
        run=run,
        checkpoint=checkpoint_path(run, state.iteration),
        iterations=state.iteration,
        identities=len(names),
        sequences=len(keys),
        metrics=line,
        seconds=time.perf_counter() - start,
    )


class _Loop:
    """Steps, and what is due after some of them: a line of metrics, a checkpoint, a test."""

    def __init__(
        self,
        run: Path,
        settings: TrainSettings,
        state: TrainingState,
        data: Mapping[str, Any],
        stop: StopRequest,
        evaluate: Evaluate | None,
    ) -> None:
        self.run, self.settings, self.state, self.data, self.stop = run, settings, state, data, stop
        self.metrics = Metrics(run, state.iteration, settings.iterations)
        self.evaluations = Evaluations(run, state.iteration)
        self.tensorboard = TensorBoardLogger(run, state.iteration) if settings.tensorboard and is_main() else None
        self.evaluate = evaluate

    def run_to_the_end(self, stream: Generator[Batch, None, None], advance: Advance) -> dict[str, Any]:
        """Step until all iterations are done; the last line of metrics."""
        settings, state, line = self.settings, self.state, dict[str, Any]()
        if state.iteration and self._is_due(settings.save_every):
            self._test()  # which an interruption may have kept from being made
        model = state.model()
        while state.iteration < settings.iterations:
            batch = self._next(stream)
            terms = state.step(model, batch)
            self.metrics.count(len(batch.lengths) * world_size(), len(batch.frames) * world_size())
            if terms is None:
                continue
            advance(1)
            if self._is_due(settings.log_every):
                state.refuse_not_finite(min(_NOT_FINITE_IN_A_ROW, settings.log_every))
                line = self.metrics.write(state.iteration, state.learning_rate, mean_over_processes(terms))
                if self.tensorboard is not None:
                    self.tensorboard.scalars(state.iteration, line)
            if self._is_due(settings.save_every):
                self._save()
                self._test()
                self._keep()
                if self.tensorboard is not None:
                    self.tensorboard.frames(state.iteration, batch)
        if self.tensorboard is not None:
            self.tensorboard.close()
        return line

    def _is_due(self, every: int) -> bool:
        return self.state.iteration % every == 0 or self.state.iteration == self.settings.iterations

    def _next(self, stream: Generator[Batch, None, None]) -> Batch:
        """The next batch; where there is none, or any process has been asked to end, all of them leave."""
        error: SkelgaitError | None = None
        try:
            batch = next(stream)
        except SkelgaitError as raised:
            error = raised
        if any_process(self.stop.wanted or error is not None):
            if self.state.iteration:
                self._save()
                self._log_stop()
            if error is not None:
                raise error
            self.stop.check()
            raise SystemExit(EXIT_PEER_FAILED)
        return batch

    def _log_stop(self) -> None:
        log.warning("stopped after iteration %d; go on with --resume", self.state.iteration)

    def _save(self) -> None:
        self.state.refuse_not_finite(1)
        if is_main():
            save_checkpoint(checkpoint_path(self.run, self.state.iteration), self.state.checkpoint(self.data))

    def _test(self) -> None:
        """Test the network, where that is wanted and has not been done."""
        network, iteration = self.state.network, self.state.iteration
        if self.evaluate is None or self.evaluations.has(iteration):
            return
        with self.metrics.paused():
            try:
                report = self.evaluate(network.eval(), lambda _n, _status="": self.stop.check())
            except KeyboardInterrupt:
                self._log_stop()
                raise
            network.train()
        score = self.evaluations.write(iteration, report)
        if self.tensorboard is not None and score is not None:
            self.tensorboard.scalars(iteration, {"test/rank_1": score})

    def _keep(self) -> None:
        """Remove checkpoints that are not to be kept, and make sure that the next one will fit."""
        if not is_main():
            return
        remove_old_checkpoints(self.run, self.settings.keep_last, self.evaluations.best())
        if self.state.iteration < self.settings.iterations:
            check_free_space(self.run, self.state.checkpoint_bytes)


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


def _clips(source: SequenceSource, keys: list[Key], labels: list[int], settings: TrainSettings) -> Clips:
    sampling = settings.sampling
    return Clips(
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


def _identity_batches(labels: list[int], settings: TrainSettings) -> IdentityBatches:
    sampling = settings.sampling
    return IdentityBatches(
        labels, sampling.identities_per_batch, sampling.sequences_per_identity, settings.seed, rank(), world_size()
    )
