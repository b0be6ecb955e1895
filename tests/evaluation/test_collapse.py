"""Note on a collapsed network."""

from __future__ import annotations

import pytest
import torch

from skelgait.evaluation import Embeddings, score
from skelgait.evaluation.collapse import collapse_notes
from skelgait.matching.options import MatchingOptions
from tests.evaluation.test_notes import BAGS, protocol_of, walks

KEYS = walks("abcd", "nb", "vw")
NOTE = (
    "all distances are equal: the embeddings of 16 compared sequences are the same, so the network has collapsed; "
    "use an earlier checkpoint, or train with a lower train.optimizer.learning_rate"
)


def embeddings_with(noise: float, scales: float | torch.Tensor = 1.0) -> Embeddings:
    """Return one embedding of norm 26 for all, plus noise of this norm relative to it."""
    generator = torch.Generator().manual_seed(0)
    base = torch.randn(1, 16, 2, generator=generator, dtype=torch.float64)
    values = torch.randn(len(KEYS), 16, 2, generator=generator, dtype=torch.float64)
    values = base / base.norm() + noise * values / values.flatten(1).norm(dim=1)[:, None, None]
    return Embeddings(KEYS, (26 * scales * values).float(), 0)


@pytest.mark.parametrize(("noise", "is_collapsed"), [(0.0, True), (1e-6, True), (1e-3, False), (0.04, False)])
def test_equal_embeddings_are_a_note(noise: float, is_collapsed: bool) -> None:
    report = score(embeddings_with(noise), protocol_of(BAGS))
    assert (NOTE in report.notes) == is_collapsed


def test_cosine_distance_ignores_norms() -> None:
    embeddings = embeddings_with(0.0, torch.arange(1.0, len(KEYS) + 1)[:, None, None])
    assert collapse_notes(embeddings, "euclidean") == []
    assert NOTE in score(embeddings, protocol_of(BAGS), options=MatchingOptions("cosine")).notes


def test_zero_embeddings_and_one_person() -> None:
    values = torch.zeros(len(KEYS), 4, 2)
    assert collapse_notes(Embeddings(KEYS, values, 0), "euclidean") == [NOTE]
    one = [key for key in KEYS if key.identity == "a"]
    assert collapse_notes(Embeddings(one, values[: len(one)], 0), "euclidean") == []
