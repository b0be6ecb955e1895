"""Pair files: complete, damaged and malicious ones."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.storage import Key, PickleTreeWriter, open_pairs
from skelgait.storage.pair_file import PairedSources, PairFile, read_pair_file, write_pair_file
from skelgait.storage.pairs import PAIR_FILE, FramePairs

A, B, C = Key("001", "nm", "000"), Key("001", "nm", "090"), Key("002", "nm", "000")
FRAME_PAIRS = {
    A: FramePairs(np.array([0, 2]), np.array([1, 3]), 3, 4),
    C: FramePairs(np.array([4, 1, 0]), np.array([0, 1, 2]), 5, 3),
}


def write(folder: Path, pairs: dict[Key, FramePairs | None]) -> Path:
    """Write a pair file of trees in which every frame is filled with its index."""
    for key, (n_maps, n_silhouettes) in {A: (3, 4), B: (2, 2), C: (5, 3)}.items():
        numbers = np.arange(9, dtype=np.uint8).reshape(-1, 1, 1)
        maps = np.tile(numbers[:n_maps, None], (1, 2, 8, 8))
        PickleTreeWriter(folder / "maps").write(key, maps, frame_names=[f"m{n}" for n in range(n_maps)])
        PickleTreeWriter(folder / "sils").write(key, np.tile(numbers[:n_silhouettes], (1, 8, 8)))
    sources = PairedSources(folder / "maps", folder / "sils", "*.pkl")
    write_pair_file(folder / PAIR_FILE, PairFile(sources, pairs))
    return folder / PAIR_FILE


@pytest.mark.parametrize(
    "pairs", [{}, {B: None}, {A: FRAME_PAIRS[A], B: None}, {A: FRAME_PAIRS[A], B: None, C: FRAME_PAIRS[C]}]
)
def test_written_pairs_are_read_back(tmp_path: Path, pairs: dict[Key, FramePairs | None]) -> None:
    path = write(tmp_path, pairs)
    content = read_pair_file(path)
    assert content.sources == PairedSources(tmp_path / "maps", tmp_path / "sils", "*.pkl")
    assert list(content.pairs) == list(pairs)
    for key, frame_pairs in pairs.items():
        read = content.pairs[key]
        assert (read is None) == (frame_pairs is None)
        if read and frame_pairs:
            assert [np.asarray(value).tolist() for value in read] == [
                np.asarray(value).tolist() for value in frame_pairs
            ]
    before = path.read_bytes()
    assert write(tmp_path, pairs).read_bytes() == before


def test_file_of_complete_sequences_has_no_frame_tables(tmp_path: Path) -> None:
    path = write(tmp_path, {B: None})
    with h5py.File(path) as file:
        assert list(file) == ["keys"]


def test_only_paired_frames_are_read(tmp_path: Path) -> None:
    write(tmp_path, {A: FRAME_PAIRS[A], B: None, C: FRAME_PAIRS[C]})
    pairs = pickle.loads(pickle.dumps(open_pairs(tmp_path)))  # as a worker gets them
    assert [pairs.length(key) for key in pairs.keys] == [2, 2, 3]
    assert [pairs.header(key).shape for key in pairs.keys] == [(2, 2, 8, 8), (2, 2, 8, 8), (3, 2, 8, 8)]
    assert pairs.header(C).dtype == np.uint8
    assert [pairs.frame_names(key) for key in pairs.keys] == [["m0", "m2"], ["m0", "m1"], ["m4", "m1", "m0"]]
    maps, silhouettes = pairs.read(C)
    assert (maps[:, 0, 0, 0].tolist(), silhouettes[:, 0, 0].tolist()) == ([4, 1, 0], [0, 1, 2])
    maps, silhouettes = pairs.read(C, lambda length: np.array([length - 1, 0]))
    assert (maps[:, 1, 0, 0].tolist(), silhouettes[:, 0, 0].tolist()) == ([0, 4], [2, 0])


@pytest.mark.parametrize("key", [A, B])
@pytest.mark.parametrize("choose", [None, lambda _: np.array([0])])
def test_changed_source_is_refused(tmp_path: Path, key: Key, choose: object) -> None:
    write(tmp_path, {A: FRAME_PAIRS[A], B: None})
    PickleTreeWriter(tmp_path / "sils").write(key, np.zeros((9, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"found 9 silhouettes, expected (4|2), as .*; link the pairs again"):
        open_pairs(tmp_path).read(key, choose)  # type: ignore[arg-type]


def test_changed_frame_names_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {A: FRAME_PAIRS[A]})
    PickleTreeWriter(tmp_path / "maps").write(A, np.zeros((1, 2, 8, 8), np.uint8), frame_names=["m0"])
    with pytest.raises(DataError, match=r"found 1 maps, expected 3, as .*; link the pairs again"):
        open_pairs(tmp_path).frame_names(A)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("frames", None),
        ("offsets", None),
        ("lengths", None),
        ("keys", None),
        ("frames", [[0, 1], [3, 3], [4, 0], [1, 1], [0, 2]]),  # map 3 of 3
        ("frames", [[0, 1], [2, 4], [4, 0], [1, 1], [0, 2]]),  # silhouette 4 of 4
        ("frames", [[0, 1], [2, 3], [4, 0], [1, -1], [0, 2]]),
        ("frames", np.full((5, 2), 2**64 - 1, np.uint64)),
        ("frames", [[0, 1], [2, 3]]),
        ("frames", np.zeros((5, 2))),  # no integers
        ("frames", np.zeros((5, 3), int)),
        ("offsets", [0, 2]),
        ("offsets", [0, 5, 5]),
        ("offsets", [1, 2, 5]),
        ("offsets", [0, 6, 5]),
        ("offsets", np.array([0, 2**64 - 3, 5], np.uint64)),
        ("offsets", [0, 2, 2**40]),
        ("offsets", [[0, 2, 5]]),
        ("offsets", 5),
        ("lengths", [[3, 4]]),
        ("lengths", [[3, 4], [-5, 3]]),
        ("keys", np.array([list(A), list(B)], "S")),  # B is paired in full
        ("keys", np.array([list(A), list(A)], "S")),
        ("keys", np.array([list(A), ["x", "y", "z"]], "S")),
        ("keys", np.array([list(A), ["..", "..", "x"]], "S")),
    ],
)
def test_damaged_tables_are_refused(tmp_path: Path, name: str, table: object) -> None:
    path = write(tmp_path, {A: FRAME_PAIRS[A], C: FRAME_PAIRS[C]})
    with h5py.File(path, "r+") as file:
        del file["frame_pairs"][name]
        if table is not None:
            file["frame_pairs"][name] = table
    with pytest.raises(DataError, match=r"pairs\.h5: found a damaged file \(.*link the pairs again"):
        open_pairs(tmp_path)


def test_lost_frame_pairs_are_refused(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, FRAME_PAIRS), "r+") as file:
        del file["frame_pairs"]
    with pytest.raises(DataError, match=r"pairs\.h5: found a damaged file"):
        open_pairs(tmp_path)


def test_frame_pairs_that_are_no_group_are_refused(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path, {B: None}), "r+") as file:
        file["frame_pairs"] = [1]
    with pytest.raises(DataError, match=r"pairs\.h5: found a damaged file"):
        open_pairs(tmp_path)
