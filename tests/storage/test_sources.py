"""Pickle trees, HDF5 stores and pairs behind one interface."""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.errors import DataError, ShapeError
from skelgait.storage import Key, PickleTree, PickleTreeWriter, SequenceSource, open_pairs, open_source
from skelgait.storage.hdf5 import write_part
from skelgait.storage.pieces import open_pieces

KEYS = [Key("002", "nm-01", "090"), Key("001", "bg-01", "000"), Key("001", "nm-01", "000")]


def maps_of(key: Key, frames: int = 40) -> np.ndarray:
    return np.random.default_rng(abs(hash(key)) % 2**32).integers(0, 255, (frames, 2, 64, 64), np.uint8)


@pytest.fixture(params=["pkl", "hdf5"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SequenceSource:
    writer = open_pieces(tmp_path, request.param, "map", source="test", settings={})
    for index, key in enumerate(KEYS):
        writer.write(index, [key], [(key, maps_of(key, 40 - index))])
    return open_source(tmp_path, "map")


def test_keys_are_sorted(store: SequenceSource) -> None:
    assert list(store.keys) == sorted(KEYS)


def test_lengths_and_frames(store: SequenceSource) -> None:
    for index, key in enumerate(KEYS):
        assert store.length(key) == 40 - index
        np.testing.assert_array_equal(store.read(key)[0], maps_of(key, 40 - index))


@pytest.mark.parametrize("chosen", [[], [0], [5, 3, 3, 39 - 3], list(range(10, 30))])
def test_chosen_frames(store: SequenceSource, chosen: list[int]) -> None:
    key, lengths = KEYS[1], []

    def choose(length: int) -> np.ndarray:
        lengths.append(length)
        return np.array(chosen, dtype=np.int64)

    np.testing.assert_array_equal(store.read(key, choose)[0], maps_of(key, 39)[chosen])
    assert lengths == [39]


def _read_in_child(store: SequenceSource) -> int:
    return int(store.read(KEYS[0])[0].sum())


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes_read_too(store: SequenceSource, method: str) -> None:
    expected = _read_in_child(store)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(_read_in_child, [store, store]) == [expected, expected]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected sequences at <identity>/<condition>/<view>/"):
        open_source(tmp_path, "map")


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: found No such file or directory, expected a folder"):
        open_source(tmp_path / "nowhere", "map")


def test_a_tree_of_another_depth_is_shown(tmp_path: Path) -> None:
    (tmp_path / "001").mkdir()
    (tmp_path / "001" / "000.pkl").write_bytes(b"")
    with pytest.raises(DataError, match=r"there is 001/000\.pkl"):
        open_source(tmp_path, "map")


def test_two_fitting_files_are_an_error_when_read(tmp_path: Path) -> None:
    for name in ("06-Sils", "14-Sils"):
        PickleTreeWriter(tmp_path).write(KEYS[0], np.zeros((2, 64, 64), np.uint8), name)
    with pytest.raises(DataError, match=r"found 2 files that fit \*\.pkl \(06-Sils\.pkl, 14-Sils\.pkl\), expected one"):
        open_source(tmp_path, "silhouette").read(KEYS[0])
    assert len(open_source(tmp_path, "silhouette", "06*.pkl").read(KEYS[0])[0]) == 2


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 64, 64), np.uint8), "like silhouettes"),
        (np.zeros((3, 17, 3)), "like poses"),
        (np.zeros((3, 85)), "like SMPL parameters"),
        (np.zeros((3, 2, 64, 64)), "like skeleton maps"),  # but of floats
    ],
)
def test_another_modality_is_recognised(tmp_path: Path, array: np.ndarray, message: str) -> None:
    PickleTreeWriter(tmp_path).write(KEYS[0], array)
    with pytest.raises(ShapeError, match=message):
        open_source(tmp_path, "map").read(KEYS[0])


class TestHdf5:
    def test_the_same_sequences_give_the_same_bytes(self, tmp_path: Path) -> None:
        for name in "ab":
            write_part(tmp_path / name, [(KEYS[0], maps_of(KEYS[0]))], "map", source="s", settings={"sigma_px": 8.0})
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_a_truncated_part_is_named(self, tmp_path: Path) -> None:
        part = tmp_path / "part-00000.h5"
        write_part(part, [(KEYS[0], maps_of(KEYS[0]))], "map", source="s", settings={})
        part.write_bytes(part.read_bytes()[:5000])
        with pytest.raises(DataError, match=r"part-00000\.h5: found a damaged file"):
            open_source(tmp_path, "map")

    def test_a_foreign_index_is_named(self, tmp_path: Path) -> None:
        part = tmp_path / "part-00000.h5"
        write_part(part, [(KEYS[0], maps_of(KEYS[0]))], "map", source="s", settings={})
        with h5py.File(part, "r+") as file:
            file["offsets"][1] = 7
        with pytest.raises(DataError, match="an index that does not fit its frames"):
            open_source(tmp_path, "map")

    def test_another_modality_is_named(self, tmp_path: Path) -> None:
        write_part(tmp_path / "part-00000.h5", [(KEYS[0], maps_of(KEYS[0]))], "map", source="s", settings={})
        with pytest.raises(DataError, match="found a store of maps, expected one of silhouettes"):
            open_source(tmp_path, "silhouette")

    def test_a_piece_grows_without_losing_what_is_there(self, tmp_path: Path) -> None:
        writer = open_pieces(tmp_path, "hdf5", "map", source="s", settings={})
        writer.write(0, KEYS, [(KEYS[0], maps_of(KEYS[0]))])
        assert writer.finished(0, KEYS) == {KEYS[0]}
        writer.write(0, KEYS, [(key, maps_of(key)) for key in KEYS[1:]])
        assert writer.finished(0, KEYS) == set(KEYS)
        for key in KEYS:
            np.testing.assert_array_equal(open_source(tmp_path, "map").read(key)[0], maps_of(key))


class TestPairTree:
    def test_both_modalities_are_read(self, tmp_path: Path) -> None:
        writer, silhouettes = PickleTreeWriter(tmp_path), np.ones((40, 64, 64), np.uint8)
        writer.write(KEYS[0], maps_of(KEYS[0]), "0_heatmap")
        writer.write(KEYS[0], silhouettes, "1_sil")
        pairs = open_pairs(tmp_path)
        assert pairs.modalities == ("map", "silhouette")
        read = pairs.read(KEYS[0], lambda length: np.array([0, length - 1]))
        np.testing.assert_array_equal(read[0], maps_of(KEYS[0])[[0, -1]])
        np.testing.assert_array_equal(read[1], silhouettes[[0, -1]])

    def test_random_choices_are_the_same_for_both(self, tmp_path: Path) -> None:
        writer = PickleTreeWriter(tmp_path)
        numbers = np.arange(40, dtype=np.uint8)
        writer.write(KEYS[0], np.broadcast_to(numbers[:, None, None, None], (40, 2, 64, 64)), "0_heatmap")
        writer.write(KEYS[0], np.broadcast_to(numbers[:, None, None], (40, 64, 64)), "1_sil")
        rng = np.random.default_rng(0)
        maps, silhouettes = open_pairs(tmp_path).read(KEYS[0], lambda length: rng.integers(0, length, 9))
        np.testing.assert_array_equal(maps[:, 0], silhouettes)

    def test_unequal_lengths_are_an_error(self, tmp_path: Path) -> None:
        writer = PickleTreeWriter(tmp_path)
        writer.write(KEYS[0], maps_of(KEYS[0]), "0_heatmap")
        writer.write(KEYS[0], np.ones((39, 64, 64), np.uint8), "1_sil")
        with pytest.raises(DataError, match=r"1_sil\.pkl: found 39 frames, expected 40 as in 0_heatmap\.pkl"):
            open_pairs(tmp_path).read(KEYS[0])


def test_hidden_files_are_no_sequences(tmp_path: Path) -> None:
    folder = PickleTreeWriter(tmp_path).file(KEYS[0]).parent
    folder.mkdir(parents=True)
    (folder / ".000.pkl.tmp.pkl").write_bytes(pickle.dumps(1))
    with pytest.raises(DataError):
        PickleTree(tmp_path, {"map": "*.pkl"})
