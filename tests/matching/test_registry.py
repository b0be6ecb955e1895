"""Registered distances: built in and added by a program."""

from __future__ import annotations

import doctest
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from skelgait.datasets import custom_protocol
from skelgait.embeddings import Embeddings
from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.evaluation import score
from skelgait.matching import registry
from skelgait.matching.distances import distance_matrix, distance_rows
from skelgait.matching.options import MatchingOptions
from skelgait.matching.registry import DISTANCES, register_distance
from skelgait.settings.evaluation import EvaluateSettings
from skelgait.storage import Key


@pytest.fixture(autouse=True)
def unchanged_registry() -> Iterator[None]:
    before = dict(DISTANCES)
    yield
    DISTANCES.clear()
    DISTANCES.update(before)


def manhattan(probes: torch.Tensor, gallery: torch.Tensor) -> torch.Tensor:
    """Mean over strips of the Manhattan distance."""
    return torch.cdist(probes.permute(2, 0, 1), gallery.permute(2, 0, 1), p=1).mean(0)


def test_registered_distance_works_in_matrix_score_and_settings() -> None:
    with pytest.raises(ValidationError, match="should be 'euclidean' or 'cosine'"):
        EvaluateSettings(distance="manhattan")
    register_distance("manhattan")(manhattan)
    x, y = torch.randn(7, 5, 3), torch.randn(9, 5, 3)
    expected = (x[:, None] - y).abs().sum(2).mean(2)
    np.testing.assert_allclose(distance_matrix(x, y, "manhattan"), expected, rtol=1e-6)
    rows = distance_rows(x, y, MatchingOptions("manhattan"), tile_rows=2, tile_columns=4)
    ((_, block),) = rows(np.arange(7), np.arange(9))
    torch.testing.assert_close(torch.from_numpy(block), expected)
    keys = [Key(identity, condition, "v") for identity in "abc" for condition in ("nm", "bg")]
    report = score(
        Embeddings(keys, torch.eye(3).repeat_interleave(2, 0)[:, :, None]),
        custom_protocol(["nm"], {"Bag": ["bg"]}),
        options=MatchingOptions("manhattan"),
    )
    assert (report.distance, report.tables[2].groups[0].metrics) == ("manhattan", {"rank_1": 1.0})
    assert EvaluateSettings(distance="manhattan").distance == "manhattan"


def test_built_in_distance_cannot_be_replaced() -> None:
    with pytest.raises(SettingsError, match="found cosine, a built-in distance, expected a new name"):
        register_distance("cosine")


def test_unknown_distance_is_an_error() -> None:
    with pytest.raises(SettingsError, match="distance: found hamming, expected one of euclidean, cosine"):
        MatchingOptions("hamming")


def test_distance_function_with_wrong_shape_is_an_error() -> None:
    register_distance("short")(lambda probes, gallery: torch.zeros(len(probes)))  # noqa: ARG005
    with pytest.raises(ShapeError, match=r"distance short: found shape \(2,\), expected \(2, 3\)"):
        distance_matrix(torch.zeros(2, 5, 1), torch.zeros(3, 5, 1), "short")


def test_embeddings_that_are_not_finite_are_an_error() -> None:
    register_distance("manhattan")(manhattan)
    with pytest.raises(DataError, match="the embeddings: found an embedding of norm nan"):
        distance_matrix(torch.full((2, 5, 1), torch.nan), torch.zeros(3, 5, 1), "manhattan")


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(registry).failed == 0
