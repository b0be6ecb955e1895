"""Training of a network in a run folder."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skelgait.checkpoints.checkpoint import Architecture
from skelgait.checkpoints.folder import check_free_space, checkpoint_path
from skelgait.datasets.identities import MissingPeople
from skelgait.errors import PathLike
from skelgait.runtime.advance import Advance, no_progress
from skelgait.runtime.devices import exact_convolutions
from skelgait.runtime.logs import log_to
from skelgait.runtime.memory import keep_freed_memory
from skelgait.runtime.process_group import is_main, process_group
from skelgait.runtime.stopping import stop_request
from skelgait.sampling.clips import clip_batches
from skelgait.sampling.fingerprint import fingerprint
from skelgait.settings.run_settings import current_settings
from skelgait.settings.training import TrainSettings
from skelgait.storage import SequenceSource
from skelgait.storage.lock import lock_folder
from skelgait.training.collapse import warn_of_one_identity
from skelgait.training.data import training_clips, training_keys, training_sampler
from skelgait.training.loop import Evaluate, TrainingLoop
from skelgait.training.observers import Observers, OnMetrics
from skelgait.training.precision import resolve_precision
from skelgait.training.resume import Resumption, plan_resumption, refuse_earlier_training
from skelgait.training.run_folder import write_run
from skelgait.training.state import TrainingState

log = logging.getLogger(__name__)


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
        resumption, origin = _initialize(state, settings, record, data)
        sampler.start = state.drawn
        check_free_space(run, state.checkpoint_bytes)
        with log_to(run / "log.txt" if is_main() else None), stop_request() as stop:
            write_run(run, record, device, data, resumption)
            log.info("%d sequences of %d identities", len(keys), len(names))
            log.info(origin)
            if is_main():
                warn_of_one_identity(len(names), settings)
            if resumption is not None and is_main():
                resumption.log_changes()
                _warn_if_finished(state, settings)
            advance(state.iteration)
            batches = clip_batches(clips, sampler, workers=settings.num_workers)
            observers = Observers(run, state.iteration, settings.tensorboard, on_metrics)
            loop = TrainingLoop(settings, state, data, stop, evaluate, observers)
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


def _initialize(
    state: TrainingState, settings: TrainSettings, record: Mapping[str, object], data: Mapping[str, Any]
) -> tuple[Resumption | None, str]:
    """Load the state or the weights to start from; return the resumption, if it is one, and a line for the log."""
    if settings.resume:
        precision = resolve_precision(settings.precision, state.device)
        record = {**record, "train.precision": precision}
        resumption = plan_resumption(state.run, settings, record, state.architecture, data)
        state.restore(resumption.checkpoint)
        return resumption, f"resuming after iteration {state.iteration}"
    if settings.init is None:
        return None, "training from random weights"
    initial = state.load_initial_weights(settings.init)
    random = f", and random {', '.join(initial.dropped)}" if initial.dropped else ""
    return None, f"training from the weights of {initial.origin}{random}"


def _warn_if_finished(state: TrainingState, settings: TrainSettings) -> None:
    if state.iteration >= settings.iterations:
        text = "the run is finished after %d of %d iterations: pass a larger number with --iterations to continue it"
        log.warning(text, state.iteration, settings.iterations)
