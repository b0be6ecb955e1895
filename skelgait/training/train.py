"""Training loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skelgait.checkpoints.checkpoint import Architecture, save_checkpoint
from skelgait.checkpoints.folder import check_free_space, checkpoint_path, remove_old_checkpoints
from skelgait.datasets.identities import MissingPeople
from skelgait.errors import PathLike, SkelgaitError
from skelgait.models import GaitNetwork
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.devices import exact_convolutions
from skelgait.runtime.launch import EXIT_PEER_FAILED
from skelgait.runtime.logs import log_to
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main, process_group
from skelgait.runtime.processes import any_process, mean_over_processes, world_size
from skelgait.runtime.stopping import StopRequest, stop_request
from skelgait.sampling.batch import Batch
from skelgait.sampling.clips import clip_batches
from skelgait.sampling.fingerprint import fingerprint
from skelgait.settings.run_settings import current_settings
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource
from skelgait.storage.lock import lock_folder
from skelgait.training.collapse import CollapseMonitor, warn_of_one_identity
from skelgait.training.data import training_clips, training_keys, training_sampler
from skelgait.training.evaluations import Evaluations
from skelgait.training.metrics import Metrics, status_text
from skelgait.training.observers import Observers, OnMetrics
from skelgait.training.precision import resolve_precision
from skelgait.training.resume import Resumption, plan_resumption, refuse_earlier_training
from skelgait.training.run_folder import write_run
from skelgait.training.state import TrainingState

log = logging.getLogger(__name__)

_MAX_NOT_FINITE = 10

Evaluate = Callable[[GaitNetwork, Advance], Mapping[str, Any]]
"""Function from a network in eval mode and a progress callback to an evaluation report as a dictionary.

Its `subset` is `test` (default) or `validation`.
"""


@dataclass(frozen=True)
class TrainReport:
    """Result of a training.

    Attributes:
        run: folder of the run.
        checkpoint: path of the last checkpoint.
        iterations: number of optimizer steps, including those before a resume.
        identities: number of training identities.
        sequences: number of training sequences.
        metrics: metrics of the last logged step.
        seconds: time since the start or the resume.
        missing: listed training people without any sequence; None: all are there.
    """

    run: Path
    checkpoint: Path
    iterations: int
    identities: int
    sequences: int
    metrics: Mapping[str, Any]
    seconds: float
    missing: MissingPeople | None = None


def train(
    source: SequenceSource,
    identities: Collection[str],
    run: PathLike,
    settings: TrainSettings,
    device: torch.device,
    *,
    evaluate: Evaluate | None = None,
    on_metrics: OnMetrics | None = None,
    advance: Advance | None = None,
    other_settings: Mapping[str, object] | None = None,
) -> TrainReport:
    """Train a network on the sequences of the given identities.

    In a process group (`skelgait.runtime.processes.join_processes`), each batch is divided among the processes, and the
    result is that of one process. Random draws depend only on seed and iteration, so a resumed training gives the same
    result as an uninterrupted one. Ctrl-C, SIGTERM and unreadable sequences stop the training after a complete step,
    with a checkpoint.

    Args:
        source: sequences with the modalities of the network: maps, or pairs of maps and silhouettes.
        identities: training identities; identities without sequences are ignored.
        run: folder for settings, log, metrics and checkpoints.
        settings: training settings.
        device: device of the network.
        evaluate: function to call at every checkpoint; None: no evaluation.
        on_metrics: called in the main process with the iteration and numbers by name: at each logged step the learning
            rate, losses and speeds, after each evaluation its results. Its errors end the training; default: none.
        advance: called with the number of finished steps and, at each logged step, its losses and accuracy as a text.
        other_settings: settings of other sections that the run records, by dotted key, such as `dataset`.

    Raises:
        SettingsError: if the settings do not fit the data, the machine or the resumed run.
        DataError: if there are no training sequences, one of them cannot be read, the data are not those of the resumed
            run, or the run folder cannot be written, or another process trains there.
        CheckpointError: if the checkpoint to resume or to start from cannot be used.
        SkelgaitError: if the loss is not finite.
    """
    advance = advance or no_progress
    start = time.perf_counter()
    run = Path(run)
    if not settings.resume:
        refuse_earlier_training(run)
    keep_freed_memory()
    keys, names = training_keys(source, identities)
    with lock_folder(run, process_group()):
        if not settings.resume:
            refuse_earlier_training(run)  # again: it may have ended while this one waited
        data = fingerprint(source, keys)
        metric_label = {name: label for label, name in enumerate(names)}
        labels = [metric_label[key.identity] for key in keys]
        clips, sampler = training_clips(source, keys, labels, settings), training_sampler(labels, settings)
        architecture = Architecture(classes=len(names), **settings.network.model_dump(exclude={"test_embedding"}))
        state = TrainingState(run, architecture, settings, device)
        record = current_settings(settings, other_settings or {})
        resumption: Resumption | None = None
        initial_state = "training from random weights"
        if settings.resume:
            precision = resolve_precision(settings.precision, device)
            resumption = plan_resumption(run, settings, {**record, "train.precision": precision}, architecture, data)
            state.restore(resumption.checkpoint)
            sampler.start = state.drawn
            initial_state = f"resuming after iteration {state.iteration}"
        elif settings.init is not None:
            initial = state.load_initial_weights(settings.init)
            initial_state = f"training from the weights of {initial.origin}"
            if initial.dropped:
                initial_state += f", and random {', '.join(initial.dropped)}"
        check_free_space(run, state.checkpoint_bytes)
        with log_to(run / "log.txt" if is_main() else None), stop_request() as stop:
            write_run(run, record, device, data, resumption)
            log.info("%d sequences of %d identities", len(keys), len(names))
            log.info(initial_state)
            if is_main():
                warn_of_one_identity(len(names), settings)
            if resumption is not None and is_main():
                resumption.log_changes()
                _warn_if_finished(state, settings)
            advance(state.iteration)
            batches = clip_batches(clips, sampler, workers=settings.num_workers)
            observers = Observers(run, state.iteration, settings.tensorboard, on_metrics)
            loop = _Loop(settings, state, data, stop, evaluate, observers)
            with closing(batches), closing(observers), exact_convolutions(device):
                metrics = loop.run_to_end(batches, advance)
        return TrainReport(
            run=run,
            checkpoint=checkpoint_path(run, state.iteration),
            iterations=state.iteration,
            identities=len(names),
            sequences=len(keys),
            metrics=metrics,
            seconds=time.perf_counter() - start,
        )


class _Loop:
    """Loop over the steps, with metrics, checkpoints and evaluations at regular iterations."""

    def __init__(
        self,
        settings: TrainSettings,
        state: TrainingState,
        data: Mapping[str, Any],
        stop: StopRequest,
        evaluate: Evaluate | None,
        observers: Observers,
    ) -> None:
        self.settings, self.state, self.data, self.stop = settings, state, data, stop
        self.run, self.evaluate, self.observers = state.run, evaluate, observers
        self.metrics = Metrics(self.run, state.iteration, settings.iterations)
        self.evaluations = Evaluations(self.run, state.iteration)
        self.collapse = CollapseMonitor(settings.losses.triplet.margin)

    def run_to_end(self, batches: Generator[Batch, None, None], advance: Advance) -> dict[str, Any]:
        """Train until the last iteration; return the metrics of the last logged step."""
        settings, state, line = self.settings, self.state, dict[str, Any]()
        if state.iteration and self._is_due(settings.save_every):
            self._evaluate()  # an interruption may have prevented it
        model = state.model()
        while state.iteration < settings.iterations:
            batch = self._next(batches)
            terms = state.step(model, batch)
            self.metrics.count(len(batch.lengths) * world_size(), len(batch.frames) * world_size())
            if terms is None:
                continue
            status = ""
            if self._is_due(settings.log_every):
                state.refuse_not_finite(min(_MAX_NOT_FINITE, settings.log_every))
                line = self.metrics.write(state.iteration, state.learning_rate, mean_over_processes(terms))
                status = status_text(line)
                if is_main():
                    self.collapse.check(line)
                self.observers.metrics(state.iteration, line)
            advance(1, status)
            if self._is_due(settings.save_every):
                self._save()
                self._evaluate()
                self._remove_old_checkpoints()
                self.observers.frames(state.iteration, batch)
        return line

    def _is_due(self, every: int) -> bool:
        return self.state.iteration % every == 0 or self.state.iteration == self.settings.iterations

    def _next(self, batches: Generator[Batch, None, None]) -> Batch:
        """Return the next batch. If any process cannot read one, or was asked to stop, all processes stop."""
        error: SkelgaitError | None = None
        try:
            with suppress(KeyboardInterrupt), self.stop.wait():  # it is wanted then
                batch = next(batches)
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
        log.warning("stopped after iteration %d; continue with --resume", self.state.iteration)

    def _save(self) -> None:
        self.state.refuse_not_finite(1)
        if is_main():
            save_checkpoint(checkpoint_path(self.run, self.state.iteration), self.state.checkpoint(self.data))

    def _check_stop(self, _n: int, _status: str = "", /) -> None:
        self.stop.check()

    def _evaluate(self) -> None:
        """Evaluate the network, unless it is done or not wanted."""
        network, iteration = self.state.network, self.state.iteration
        if self.evaluate is None or self.evaluations.has(iteration):
            return
        with self.metrics.paused():
            try:
                with self.stop.wait():
                    report = self.evaluate(network.eval(), self._check_stop)
            except KeyboardInterrupt:
                self._log_stop()
                raise
            network.train()
        score = self.evaluations.write(iteration, report)
        self.observers.evaluation(iteration, score, report)

    def _remove_old_checkpoints(self) -> None:
        """Remove old checkpoints, and check that the disk has space for the next one."""
        if not is_main():
            return
        remove_old_checkpoints(self.run, self.settings.keep_last, self.evaluations.best())
        if self.state.iteration < self.settings.iterations:
            check_free_space(self.run, self.state.checkpoint_bytes)


def _warn_if_finished(state: TrainingState, settings: TrainSettings) -> None:
    if state.iteration >= settings.iterations:
        text = "the run is finished after %d of %d iterations: pass a larger number with --iterations to continue it"
        log.warning(text, state.iteration, settings.iterations)
