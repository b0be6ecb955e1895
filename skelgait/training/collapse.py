"""Warnings of a training that learns nothing: a collapsed network, or batches of one identity."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from skelgait.settings.training import TrainSettings

log = logging.getLogger(__name__)

_ITERATIONS_AT_MARGIN = 1000
_TOLERANCE = 0.01
_HINT = "lower train.optimizer.learning_rate, or start from other weights with --init"


def warn_of_one_identity(n_identities: int, config: TrainSettings) -> None:
    """Warn if no batch has two people.

    Args:
        n_identities: number of training identities.
        config: training settings.
    """
    if n_identities == 1:
        log.warning(
            "training with 1 identity: the triplet loss is 0 and nothing is learned; list more people under TRAIN_SET"
        )
    elif config.sampling.identities_per_batch == 1:
        log.warning(
            "batches of 1 identity: the triplet loss is 0; pass --set train.sampling.identities_per_batch=%d",
            min(n_identities, 8),
        )


class CollapseMonitor:
    """Monitor of the logged steps for a collapsed network, whose embeddings are all the same. Warns once.

    When the distances of a batch are all equal, the triplet loss is its margin.

    Args:
        margin: margin of the triplet loss.
    """

    def __init__(self, margin: float) -> None:
        self._margin = margin
        self._at_margin_since: int | None = None
        self._has_warned = False

    def check(self, line: Mapping[str, Any]) -> None:
        """Check a line of `metrics.jsonl`."""
        iteration, loss = int(line["iteration"]), line.get("triplet/loss")
        is_at_margin = loss is not None and self._margin > 0 and abs(loss / self._margin - 1) <= _TOLERANCE
        if not is_at_margin:
            self._at_margin_since = None
        elif self._at_margin_since is None:
            self._at_margin_since = iteration
        if self._has_warned:
            return
        n_iterations = 0 if self._at_margin_since is None else iteration - self._at_margin_since
        if line.get("triplet/mean_distance") == 0:
            text = "the network has collapsed at iteration %d: the mean distance is 0, all embeddings are the same; %s"
            log.warning(text, iteration, _HINT)
            self._has_warned = True
        elif n_iterations >= _ITERATIONS_AT_MARGIN:
            text = "the triplet loss is at its margin %g for %d iterations, so the network may have collapsed; %s"
            log.warning(text, self._margin, n_iterations, _HINT)
            self._has_warned = True
