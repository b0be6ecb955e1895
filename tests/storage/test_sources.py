"""Sequence sources: pickle trees, HDF5 stores and pairs."""

from __future__ import annotations

import multiprocessing
import pickle
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.errors import DataError, ShapeError
from skelgait.storage import Key, PickleTree, PickleTreeWriter, SequenceSource, hdf5_store, open_pairs, open_source
from skelgait.storage.backends import BACKENDS
from skelgait.storage.chunks import Chunk, ChunkWriter, SequenceInfo
from skelgait.storage.metadata import DatasetMetadata
from skelgait.storage.shards import ShardIndex, write_shard
from tests.full_disk import full_disk

KEYS = [Key("002", "nm-01", "090"), Key("001", "bg-01", "000"), Key("001", "nm-01", "000")]


def maps_of(key: Key, frames: int = 40) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(str(key).encode())).integers(0, 255, (frames, 2, 64, 64), np.uint8)


def writer_of(out: Path, storage: str, compression: str) -> ChunkWriter:
    metadata = DatasetMetadata("s", {})
    return BACKENDS[storage].writer(out, "map", metadata, compression=compression)  # type: ignore[arg-type]


@pytest.fixture(params=["pkl", "lz4hc", "gzip", "none"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SequenceSource:
    storage, compression = ("pkl", "none") if request.param == "pkl" else ("hdf5", request.param)
    writer = writer_of(tmp_path, storage, compression)
    for index, key in enumerate(KEYS):
        writer.write(Chunk(index, [key]), {key: SequenceInfo(40 - index, 0)}, [maps_of(key, 40 - index)])
    return open_source(tmp_path, "map")


def test_keys_are_sorted(store: SequenceSource) -> None:
    assert list(store.keys) == sorted(KEYS)


def test_lengths_and_frames_are_those_written(store: SequenceSource) -> None:
    for index, key in enumerate(KEYS):
        assert store.length(key) == 40 - index
        np.testing.assert_array_equal(store.read(key)[0], maps_of(key, 40 - index))


@pytest.mark.parametrize("chosen", [[], [0], [5, 3, 3, 39 - 3], [36, 0, 18, 0], list(range(10, 30))])
def test_chosen_frames_are_read_in_the_given_order(store: SequenceSource, chosen: list[int]) -> None:
    key, lengths = KEYS[1], []

    def choose(length: int) -> np.ndarray:
        lengths.append(length)
        return np.array(chosen, dtype=np.int64)

    np.testing.assert_array_equal(store.read(key, choose)[0], maps_of(key, 39)[chosen])
    assert lengths == [39]


def _read_in_child(store: SequenceSource) -> int:
    return int(store.read(KEYS[0])[0].sum())


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_pickled_source_is_read_in_other_processes(store: SequenceSource, method: str) -> None:
    expected = _read_in_child(store)
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(_read_in_child, [store, store]) == [expected, expected]


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected sequences at <identity>/<condition>/<view>/"):
        open_source(tmp_path, "map")


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere: found No such file or directory, expected a folder"):
        open_source(tmp_path / "nowhere", "map")


def test_tree_of_another_depth_is_refused_with_an_example(tmp_path: Path) -> None:
    (tmp_path / "001").mkdir()
    (tmp_path / "001" / "000.pkl").write_bytes(b"")
    with pytest.raises(DataError, match=r"there is 001/000\.pkl"):
        open_source(tmp_path, "map")


def test_two_files_that_match_the_pattern_are_refused_when_read(tmp_path: Path) -> None:
    for name in ("06-Sils", "14-Sils"):
        PickleTreeWriter(tmp_path).write(KEYS[0], np.zeros((2, 64, 64), np.uint8), name)
    with pytest.raises(
        DataError, match=r"found 2 files that match \*\.pkl \(06-Sils\.pkl, 14-Sils\.pkl\), expected one"
    ):
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
def test_error_names_the_other_modality(tmp_path: Path, array: np.ndarray, message: str) -> None:
    PickleTreeWriter(tmp_path).write(KEYS[0], array)
    with pytest.raises(ShapeError, match=message):
        open_source(tmp_path, "map").read(KEYS[0])


def write_one(path: Path, frames: int = 40, modality: str = "map", **more: object) -> None:
    index = ShardIndex([KEYS[0]], [0, frames], ["090"])
    write_shard(path, index, [maps_of(KEYS[0], frames)], modality, source="s", settings={}, **more)


class TestHdf5:
    @pytest.mark.parametrize("compression", ["lz4hc", "gzip", "none"])
    def test_same_sequences_give_same_bytes(self, tmp_path: Path, compression: str) -> None:
        for name in "ab":
            write_one(tmp_path / name, compression=compression)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_shard_is_readable_with_h5py_alone(self, tmp_path: Path) -> None:
        write_one(tmp_path / "shard-00000.h5", compression="gzip")
        with h5py.File(tmp_path / "shard-00000.h5") as file:
            np.testing.assert_array_equal(file["frames"][:], maps_of(KEYS[0]))
            assert file["keys"][:].tolist() == [[name.encode() for name in KEYS[0]]]
            assert (file["offsets"][:].tolist(), file["names"][:].tolist()) == ([0, 40], [b"090"])
            assert [file.attrs[name] for name in ("modality", "source", "settings")] == [b"map", b"s", b"{}"]

    def test_frames_between_chosen_frames_are_not_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_one(tmp_path / "shard-00000.h5", frames=90)
        read: list[tuple[int, int]] = []
        original = hdf5_store._OpenShard.range

        def recorded(shard: hdf5_store._OpenShard, start: int, stop: int) -> np.ndarray:
            read.append((start, stop))
            return original(shard, start, stop)

        monkeypatch.setattr(hdf5_store._OpenShard, "range", recorded)
        chosen = np.array([80, 3, 9, 41])
        frames = open_source(tmp_path, "map").read(KEYS[0], lambda _: chosen)[0]
        np.testing.assert_array_equal(frames, maps_of(KEYS[0], 90)[chosen])
        assert read == [(3, 10), (41, 42), (80, 81)]

    @pytest.mark.parametrize("compression", ["lz4hc", "none"])
    def test_truncated_shard_is_refused(self, tmp_path: Path, compression: str) -> None:
        shard = tmp_path / "shard-00000.h5"
        write_one(shard, compression=compression)
        shard.write_bytes(shard.read_bytes()[:5000])
        with pytest.raises(DataError, match=r"shard-00000\.h5: found a damaged file"):
            open_source(tmp_path, "map").read(KEYS[0])

    def test_shard_truncated_after_opening_is_refused(self, tmp_path: Path) -> None:
        write_one(tmp_path / "shard-00000.h5", compression="none")
        source = open_source(tmp_path, "map")
        with (tmp_path / "shard-00000.h5").open("r+b") as file:
            file.truncate(20000)
        with pytest.raises(DataError, match=rf"shard-00000\.h5: {KEYS[0]}: found a damaged file"):
            source.read(KEYS[0])

    @pytest.mark.parametrize(
        ("table", "content", "message"),
        [
            ("offsets", np.array([0, 7]), "an index that does not fit its frames"),
            ("offsets", np.array([9, 40]), "an index that does not fit its frames"),
            ("keys", np.array([[1, 2, 3]]), "keys of shape"),
            ("keys", np.array([[b"1", b"2"]]), "keys of shape"),
            ("keys", np.array([[b"..", b"..", b"x"]]), r"the name \.\., which is hidden"),  # would lead out of a tree
            ("names", np.array([b"/etc/x"]), "the name /etc/x, which has a slash"),
            ("offsets", np.array([0.0, 40.0]), "an index that does not fit its frames"),
            ("names", np.array([b"a", b"b"]), "an index that does not fit its frames"),
        ],
    )
    def test_invalid_index_is_refused(self, tmp_path: Path, table: str, content: np.ndarray, message: str) -> None:
        shard = tmp_path / "shard-00000.h5"
        write_one(shard)
        with h5py.File(shard, "r+") as file:
            del file[table]
            file[table] = content
        with pytest.raises(DataError, match=message):
            open_source(tmp_path, "map")

    def test_other_modality_is_refused(self, tmp_path: Path) -> None:
        write_one(tmp_path / "shard-00000.h5")
        with pytest.raises(DataError, match="found a store of maps, expected a store of silhouettes"):
            open_source(tmp_path, "silhouette")

    def test_frames_of_another_size_are_refused(self, tmp_path: Path) -> None:
        index, arrays = ShardIndex(KEYS[:2], [0, 2, 4], ["a", "b"]), [np.zeros((2, 64, 64)), np.zeros((2, 64, 44))]
        with pytest.raises(ShapeError, match=r"001/bg-01/000: found an array \(2, 64, 44\)"):
            write_shard(tmp_path / "p.h5", index, arrays, "silhouette", source="s", settings={})
        assert not list(tmp_path.iterdir())

    def test_shard_grows_and_keeps_existing_sequences(self, tmp_path: Path) -> None:
        writer = writer_of(tmp_path, "hdf5", "lz4hc")
        chunk = Chunk(0, KEYS)
        writer.write(chunk, {KEYS[0]: SequenceInfo(40, 7)}, [maps_of(KEYS[0])])
        assert set(writer.finished(chunk)) == {KEYS[0]}
        writer.write(chunk, dict.fromkeys(KEYS[1:], SequenceInfo(40, 5)), [maps_of(key) for key in KEYS[1:]])
        assert writer.finished(chunk) == {KEYS[0]: 7, **dict.fromkeys(KEYS[1:], 5)}
        for key in KEYS:
            np.testing.assert_array_equal(open_source(tmp_path, "map").read(key)[0], maps_of(key))


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_full_disk_is_an_error_and_existing_sequences_stay(tmp_path: Path, storage: str) -> None:
    writer = writer_of(tmp_path, storage, "none")
    writer.write(Chunk(0, KEYS[:1]), {KEYS[0]: SequenceInfo(40, 0)}, [maps_of(KEYS[0])])
    message = r"(shard-00001\.h5|000\.pkl): found File too large, expected a file that can be written"
    with full_disk(100_000), pytest.raises(DataError, match=message):
        writer.write(Chunk(1, KEYS[1:2]), {KEYS[1]: SequenceInfo(40, 0)}, [maps_of(KEYS[1])])
    source = open_source(tmp_path, "map")
    assert list(source.keys) == KEYS[:1]
    np.testing.assert_array_equal(source.read(KEYS[0])[0], maps_of(KEYS[0]))
    assert not [path for path in tmp_path.rglob(".*") if path.is_file()]


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

    def test_random_choice_is_the_same_for_both(self, tmp_path: Path) -> None:
        writer = PickleTreeWriter(tmp_path)
        numbers = np.arange(40, dtype=np.uint8)
        writer.write(KEYS[0], np.broadcast_to(numbers[:, None, None, None], (40, 2, 64, 64)), "0_heatmap")
        writer.write(KEYS[0], np.broadcast_to(numbers[:, None, None], (40, 64, 64)), "1_sil")
        rng = np.random.default_rng(0)
        maps, silhouettes = open_pairs(tmp_path).read(KEYS[0], lambda length: rng.integers(0, length, 9))
        np.testing.assert_array_equal(maps[:, 0], silhouettes)

    def test_unequal_lengths_are_refused(self, tmp_path: Path) -> None:
        writer = PickleTreeWriter(tmp_path)
        writer.write(KEYS[0], maps_of(KEYS[0]), "0_heatmap")
        writer.write(KEYS[0], np.ones((39, 64, 64), np.uint8), "1_sil")
        with pytest.raises(DataError, match=r"1_sil\.pkl: found 39 frames, expected 40 as in 0_heatmap\.pkl"):
            open_pairs(tmp_path).read(KEYS[0])


def test_hidden_files_are_not_sequences(tmp_path: Path) -> None:
    folder = PickleTreeWriter(tmp_path).file(KEYS[0]).parent
    folder.mkdir(parents=True)
    (folder / ".000.pkl.tmp.pkl").write_bytes(pickle.dumps(1))
    with pytest.raises(DataError):
        PickleTree(tmp_path, {"map": "*.pkl"})
