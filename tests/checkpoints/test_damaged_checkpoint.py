"""Damaged and compressed checkpoints: every change of a value is found on reading."""

from __future__ import annotations

import random
import time
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch

from skelgait.checkpoints.file import read_checkpoint_file
from skelgait.errors import CheckpointError


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    weights = {f"layer.{i}": torch.randn(40, 30) for i in range(5)}
    torch.save({"model": weights, "iteration": 7}, tmp_path / "c.pt")
    return tmp_path / "c.pt"


def _same(first: object, second: object) -> bool:
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_every_changed_byte_that_alters_a_weight_is_found(checkpoint: Path) -> None:
    content, before = checkpoint.read_bytes(), read_checkpoint_file(checkpoint)
    rng, n_found = random.Random(0), 0
    for _ in range(100):
        at = rng.randrange(len(content))
        checkpoint.write_bytes(content[:at] + bytes([content[at] ^ rng.randrange(1, 256)]) + content[at + 1 :])
        try:
            file = read_checkpoint_file(checkpoint)
        except CheckpointError:
            n_found += 1
        else:
            assert (_same(file.weights, before.weights), file.iteration) == (True, 7)
    assert n_found > 60


def test_changed_weight_names_the_record(checkpoint: Path) -> None:
    content = bytearray(checkpoint.read_bytes())
    with ZipFile(checkpoint) as records:
        record = next(item for item in records.infolist() if item.filename.endswith("data/2"))
    content[record.header_offset + 1000] ^= 1
    checkpoint.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"the record '.*data/2' differs from its checksum"):
        read_checkpoint_file(checkpoint)


def test_compressed_checkpoint_is_refused_before_it_is_expanded(checkpoint: Path) -> None:
    bomb = checkpoint.with_name("bomb.pt")
    with ZipFile(checkpoint) as source, ZipFile(bomb, "w", ZIP_DEFLATED) as target:
        for item in source.infolist():
            target.writestr(item.filename, source.read(item) if item.file_size < 4800 else bytes(10**8))
    start = time.perf_counter()
    with pytest.raises(
        CheckpointError, match=r"bomb\.pt: found the compressed record .*save it again with torch\.save"
    ):
        read_checkpoint_file(bomb)
    assert time.perf_counter() - start < 1
