"""Extraction of embeddings: results do not depend on batches, order, workers or processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from skelgait.embeddings import InferenceOptions, embed, open_embeddings
from skelgait.embeddings.extraction import collect_chunks, embed_in_rounds
from skelgait.embeddings.torch_model import TorchModel
from skelgait.errors import CheckpointError, DataError
from skelgait.sampling.inputs import cut_columns
from skelgait.storage import Key, SequenceSource, open_pairs, open_source
from tests.checkpoints.checkpoint_files import SMALL, SMALL_PLUS
from tests.embeddings.networks import LENGTHS, small_network, write_checkpoint, write_maps
from tests.paths import ROOT

CPU = torch.device("cpu")
MAX_FRAMES = 10
NETWORKS = {"skeletongait": SMALL, "skeletongait++": SMALL_PLUS}


@pytest.fixture(params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str, tmp_path: Path) -> SequenceSource:
    is_plus = name == "skeletongait++"
    root = write_maps(tmp_path / "inputs", with_silhouettes=is_plus)
    return open_pairs(root) if is_plus else open_source(root, "map")


def one_by_one(name: str, source: SequenceSource, keys: Sequence[Key]) -> tuple[torch.Tensor, torch.Tensor]:
    """Both embeddings (N, D, S) by a plain loop."""
    network, found = small_network(NETWORKS[name]), []
    for key in keys:
        arrays = [array if array.ndim == 4 else array[:, None] for array in source.read(key)]
        frames = cut_columns(np.concatenate(arrays, axis=1)[:MAX_FRAMES], "")
        with torch.no_grad():
            found.append(network(torch.from_numpy(np.ascontiguousarray(frames)).float() / 255, [len(frames)]))
    return torch.cat([chunk.embedding for chunk in found]), torch.cat([chunk.neck_embedding for chunk in found])


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 0), (2, 0), (4, 2), (100, 0)])
def test_batch_size_order_and_workers_change_nothing(
    name: str, source: SequenceSource, batch_size: int, workers: int
) -> None:
    order = source.keys[::-1] if batch_size > 1 else source.keys
    expected = one_by_one(name, source, order)
    parts = list(
        embed_in_rounds(
            TorchModel(small_network(NETWORKS[name]), CPU), source, order,
            InferenceOptions(batch_size=batch_size, num_workers=workers, max_frames=MAX_FRAMES),
        )
    )  # fmt: skip
    for embedding in (1, 2):
        found = collect_chunks(parts, source, order, embedding, MAX_FRAMES)
        assert list(found.keys) == list(order)
        np.testing.assert_allclose(found.values[:], expected[embedding - 1], rtol=1e-6, atol=1e-6)


def test_long_sequences_are_truncated_and_counted(tmp_path: Path) -> None:
    source = open_source(write_maps(tmp_path / "maps"), "map")
    network = small_network()
    for max_frames in (720, 12, 11, 5, 1):
        found = embed(network, source, source.keys, CPU, options=InferenceOptions(max_frames=max_frames))
        assert found.n_truncated == sum(length > max_frames for length in LENGTHS)
    whole = embed(network, source, source.keys, CPU).values[:]
    cut = embed(network, source, source.keys, CPU, options=InferenceOptions(max_frames=11)).values[:]
    is_same = (whole == cut).all(axis=(1, 2))
    assert is_same.tolist() == [length <= 11 for length in LENGTHS]


def test_each_round_is_one_chunk(tmp_path: Path) -> None:
    source = open_source(write_maps(tmp_path / "maps"), "map")
    progress: list[int] = []
    parts = list(
        embed_in_rounds(
            TorchModel(small_network(), CPU), source, source.keys, InferenceOptions(batch_size=3),
            round_size=4, advance=progress.append,
        )
    )  # fmt: skip
    assert [part.indices.tolist() for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert all(part.embedding_1.shape[1:] == (SMALL.strips, SMALL.embedding_width) for part in parts)
    assert sum(progress) == len(source.keys)
    together = collect_chunks(parts, source, source.keys, 1, 720).values[:]
    np.testing.assert_allclose(
        together, embed(small_network(), source, source.keys, CPU).values[:], rtol=1e-6, atol=1e-6
    )


def test_no_sequence_gives_no_embedding(tmp_path: Path) -> None:
    source = open_source(write_maps(tmp_path / "maps"), "map")
    found = embed(small_network(), source, [], CPU)
    assert (len(found.values[:]), found.n_truncated) == (0, 0)


def test_embedding_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    source = open_source(write_maps(tmp_path / "maps"), "map")
    network = small_network()
    network.part_linear.weight.data[0, 0, 0] = torch.nan
    with pytest.raises(CheckpointError, match=r"found NaN or infinity in 9 embeddings, first in 000/nm/0, expected"):
        embed(network, source, source.keys, CPU)


def test_unreadable_sequence_is_named_in_the_error(tmp_path: Path) -> None:
    root = write_maps(tmp_path / "maps")
    (root / "002" / "nm" / "1" / "1.pkl").write_bytes(b"junk")
    source = open_source(root, "map")
    for workers in (0, 2):
        with pytest.raises(DataError, match=r"002/nm/1/1\.pkl: found"):
            embed(small_network(), source, source.keys[:7], CPU, options=InferenceOptions(num_workers=workers))


def test_half_precision_is_close_to_float32(tmp_path: Path) -> None:
    source = open_source(write_maps(tmp_path / "maps"), "map")
    exact, near = (
        embed(small_network(), source, source.keys[:3], CPU, options=InferenceOptions(precision=precision)).values[:]
        for precision in ("float32", "bf16")
    )
    assert near.dtype == np.float32
    assert 0 < np.linalg.norm(near - exact) / np.linalg.norm(exact) < 0.05


def run(folder: Path, *args: object, launcher: tuple[str, ...] = ()) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SKELGAIT_")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "skelgait", *map(str, args)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_number_of_processes_changes_nothing(name: str, source: SequenceSource, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "c.pt", NETWORKS[name])
    flags = ("embed", "--checkpoint", "c.pt", "--maps", "inputs", "--pairs", "inputs", "--max-frames", MAX_FRAMES)
    flags += ("--device", "cpu", "--json")
    reports = [json.loads(run(tmp_path, *flags, "--nproc", n, "--out", f"{n}.h5")) for n in (1, 2)]
    assert [report.pop("file") for report in reports] == ["1.h5", "2.h5"]
    assert reports[0] == reports[1]
    assert reports[0]["truncated"] == 2
    run(
        tmp_path, *flags, "--batch-size", 2, "--out", "3.h5",
        launcher=("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "3"),
    )  # fmt: skip
    for embedding in (1, 2):
        expected = one_by_one(name, source, source.keys)[embedding - 1]
        for n in (1, 2, 3):
            file = open_embeddings(tmp_path / f"{n}.h5", embedding)
            assert file.keys == list(source.keys)
            assert file.frames.tolist() == list(LENGTHS)
            np.testing.assert_allclose(file.values[:], expected, rtol=1e-6, atol=1e-6)
