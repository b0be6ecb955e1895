"""Training that begins with the weights of another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from skelgait.errors import CheckpointError
from skelgait.models import to_authors
from skelgait.training.checkpoints import Architecture
from skelgait.training.init import initial_weights

SMALL = Architecture("skeletongait", (8, 8, 8, 8), (1, 1, 1, 1), classes=5, embedding_width=6, strips=16)


@pytest.fixture
def authors_file(tmp_path: Path) -> Path:
    weights = to_authors(SMALL.build().state_dict())
    torch.save({"model": weights, "optimizer": {}, "scheduler": {}, "iteration": 7}, tmp_path / "authors.pt")
    return tmp_path / "authors.pt"


def test_all_of_it(authors_file: Path) -> None:
    weights, left_out = initial_weights(authors_file, SMALL)
    assert not left_out
    assert weights.keys() == SMALL.build().state_dict().keys()


def test_another_number_of_classes(authors_file: Path) -> None:
    other = replace(SMALL, classes=9)
    weights, left_out = initial_weights(authors_file, other)
    assert left_out == ["neck.class_weight"]
    assert other.build().load_state_dict(dict(weights), strict=False).missing_keys == left_out


@pytest.mark.parametrize(
    "other", [replace(SMALL, channels=(8, 8, 8, 16)), replace(SMALL, name="skeletongait++"), replace(SMALL, strips=8)]
)
def test_another_architecture(authors_file: Path, other: Architecture) -> None:
    with pytest.raises(
        CheckpointError, match=r"authors\.pt: found Architecture.*as in the settings; set train\.network"
    ):
        initial_weights(authors_file, other)
