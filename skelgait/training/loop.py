"""Loop over the training steps, with metrics, checkpoints and evaluations."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any

from skelgait.checkpoints.checkpoint import save_checkpoint
from skelgait.checkpoints.folder import check_free_space, checkpoint_path, remove_old_checkpoints
from skelgait.errors import SkelgaitError
from skelgait.models import GaitNetwork
from skelgait.runtime.advance import Advance
from skelgait.runtime.launch import EXIT_PEER_FAILED
from skelgait.runtime.process_group import is_main
from skelgait.runtime.processes import any_process, mean_over_processes, world_size
from skelgait.runtime.stopping import StopRequest
from skelgait.sampling.batch import Batch
from skelgait.settings.training import TrainSettings
from skelgait.training.collapse import CollapseMonitor
from skelgait.training.evaluations import Evaluations
from skelgait.training.metrics import Metrics, status_text
from skelgait.training.observers import Observers
from skelgait.training.state import TrainingState

log = logging.getLogger(__name__)

_MAX_NOT_FINITE = 10

Evaluate = Callable[[GaitNetwork, Advance], Mapping[str, Any]]
"""Function from a network in eval mode and a progress callback to an evaluation report as a dictionary.

Its `subset` is `test` (default) or `validation`.
"""


class TrainingLoop:
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
