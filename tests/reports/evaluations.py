"""Builders of evaluations with random embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from skelgait.datasets import Protocol, custom_protocol
from skelgait.embeddings import Embeddings
from skelgait.evaluation import EvaluationReport, score
from skelgait.pipelines.evaluate import Evaluation
from skelgait.reports.folder import write_report
from skelgait.storage import Key

VIEWS = ("000", "090", "180")
KEYS = [Key(i, c, v) for i in "abcdefghij" for c in ("nm-01", "bg-01", "bg-02", "cl-01") for v in VIEWS]
PROTOCOL = custom_protocol(["nm-01"], {"Bag": ["bg-*"], "Coat": ["cl-*"]})


def embeddings(keys: Sequence[Key] = KEYS, noise: float = 1.0, seed: int = 0) -> Embeddings:
    """Return embeddings that are close for sequences of one person; they do not depend on the order of the keys."""
    values = []
    for key in keys:
        identity, sequence = (
            torch.randn(5, 3, generator=torch.Generator().manual_seed(number))
            for number in (ord(key.identity), sum(map(ord, str(key))) * 1000 + KEYS.index(key) + 10**6 * seed)
        )
        values.append(identity + noise * sequence)
    return Embeddings(keys, torch.stack(values))


def evaluation(
    embedded: Embeddings, protocol: Protocol = PROTOCOL, *, network: str = "skeletongait", bootstrap_samples: int = 20
) -> Evaluation:
    """Return an evaluation as `skelgait evaluate` does."""
    report: EvaluationReport = score(embedded, protocol, bootstrap_samples=bootstrap_samples)
    return Evaluation(report, network, 7, 1, "c.pt")


def write(folder: Path, evaluated: Evaluation) -> Evaluation:
    """Write the report of an evaluation."""
    write_report(folder, evaluated.to_dict(), evaluated.report)
    return evaluated
