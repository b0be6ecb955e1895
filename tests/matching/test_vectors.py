"""Embeddings that are no arrays (N, D, S)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from skelgait import Embeddings, InferenceOptions, distance_matrix
from skelgait.errors import SettingsError, ShapeError
from skelgait.matching.distances import distance_rows
from skelgait.storage import Key

KEYS = [Key("001", "nm", "000"), Key("002", "nm", "000")]
GOOD = torch.zeros(2, 3, 4)
MASKED = np.ma.masked_array(np.zeros((2, 3, 4)), mask=True)


@pytest.mark.parametrize(
    ("compare", "where"),
    [
        (lambda values: distance_matrix(values, GOOD), "the probes"),
        (lambda values: distance_matrix(GOOD, values), "the gallery"),
        (lambda values: distance_rows(values, GOOD), "the probes"),
        (lambda values: Embeddings(KEYS, values), "embeddings"),
    ],
)
@pytest.mark.parametrize(
    ("values", "found"),
    [
        (torch.zeros(2, 3), r"an array \(2, 3\), expected embeddings \(N, D, S\).*write one strip as embeddings"),
        (torch.zeros(2, 3, 4, 1), r"an array \(2, 3, 4, 1\)"),
        (MASKED, "a masked array"),
    ],
)
def test_other_rank_or_mask_is_an_error(compare: Callable[[Any], object], where: str, values: Any, found: str) -> None:
    with pytest.raises(ShapeError, match=f"^{where}: found {found}"):
        compare(values)


def test_lists_are_compared_as_arrays_but_are_no_embeddings() -> None:
    probes = [[[3.0], [4.0]], [[0.0], [0.0]]]
    assert distance_matrix(probes, np.zeros((1, 2, 1))).tolist() == [[5.0], [0.0]]
    with pytest.raises(ShapeError, match=r"the probes: found an array \(2, 2\)"):
        distance_matrix([[3.0, 4.0], [0.0, 0.0]], GOOD)
    with pytest.raises(ShapeError, match="the probes: found a list that is no array"):
        distance_matrix([[3.0, 4.0], [0.0]], GOOD)
    with pytest.raises(ShapeError, match=r"embeddings: found a list, .*; convert it with numpy\.asarray"):
        Embeddings(KEYS, probes)  # type: ignore[arg-type]


def test_another_number_of_embeddings_than_of_keys_is_an_error() -> None:
    with pytest.raises(ShapeError, match="found 2 embeddings, expected 1, one for each key"):
        Embeddings(KEYS[:1], GOOD)


@pytest.mark.parametrize("name", ["batch_size", "max_frames", "num_workers"])
def test_negative_number_is_an_error(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: found -1, expected at least "):
        InferenceOptions(**{name: -1})  # type: ignore[arg-type]
