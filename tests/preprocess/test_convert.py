"""Conversion between storages."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.maps import draw_dataset
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, PickleTreeWriter, open_any, open_pairs, open_source
from tests.synthetic_data import write_dataset


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("modality", ["poses", "silhouettes", "maps"])
@pytest.mark.parametrize("compression", ["lz4hc", "gzip", "none"])
def test_conversion_to_hdf5_and_back_is_bit_identical(tmp_path: Path, modality: str, compression: str) -> None:
    write_dataset(tmp_path, "SUSTech1K", people=4)
    if modality == "maps":
        poses = open_source(tmp_path / "poses", "pose", "03*.pkl")
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, compression=compression))
    source, store, back = tmp_path / modality, tmp_path / "store", tmp_path / "back"
    report = convert_store(open_any(source), store, "hdf5", compression=compression, workers=1)
    assert (report.skipped, report.failed) == (0, ())
    assert report.sequences == len(open_any(source).keys)
    convert_store(open_any(store), back, "pkl", compression=compression, workers=1)
    if modality != "maps":
        (back / "skelgait.json").unlink()  # names the original source
    assert content(back) == content(source)


def test_output_is_independent_of_workers_and_second_run_skips_all(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    poses = open_any(tmp_path / "poses")
    for workers in (1, 2):
        convert_store(poses, tmp_path / str(workers), "hdf5", workers=workers)
    assert content(tmp_path / "1") == content(tmp_path / "2")
    report = convert_store(poses, tmp_path / "1", "hdf5", workers=1)
    assert (report.sequences, report.skipped) == (0, len(poses.keys))


def test_unreadable_and_mismatched_sequences_are_reported(tmp_path: Path) -> None:
    tree = PickleTreeWriter(tmp_path / "maps")
    keys = [Key("001", "n", str(view)) for view in range(5)]
    for key in keys:
        tree.write(key, np.zeros((3, 2, 64, 64), np.uint8))
    tree.file(keys[1]).write_bytes(b"junk")
    tree.write(keys[3], np.zeros((3, 2, 32, 32), np.uint8))
    # With 64 times as many sequences, all of the first ones are in one chunk.
    for i in range(320):
        tree.write(Key("002", "n", f"{i:03d}"), np.zeros((1, 2, 64, 64), np.uint8))
    report = convert_store(open_any(tmp_path / "maps"), tmp_path / "out", "hdf5", workers=1)
    assert [key for key, _ in report.failed] == [keys[1], keys[3]]
    assert "found frames (2, 32, 32) of uint8, expected frames (2, 64, 64) of uint8" in report.failed[1][1]
    assert list(open_source(tmp_path / "out", "map").keys)[:3] == [keys[0], keys[2], keys[4]]


def test_store_of_other_sequences_is_refused(tmp_path: Path) -> None:
    for name, modality in (("a", "poses"), ("b", "poses"), ("c", "silhouettes")):
        write_dataset(tmp_path / name, people=2)
        tree = open_any(tmp_path / name / modality)
        if name == "a":
            convert_store(tree, tmp_path / "out", "hdf5", workers=1)
            continue
        before = content(tmp_path / "out")
        with pytest.raises(SettingsError, match=f"found sequences made from .*a/poses, expected .*{name}/{modality}"):
            convert_store(tree, tmp_path / "out", "hdf5", workers=1)
        assert content(tmp_path / "out") == before


def test_sequence_without_frames_is_converted(tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path / "maps").write(Key("001", "n", "0"), np.zeros((0, 2, 64, 64), np.uint8))
    convert_store(open_any(tmp_path / "maps"), tmp_path / "out", "hdf5", workers=1)
    assert open_source(tmp_path / "out", "map").read(Key("001", "n", "0"))[0].shape == (0, 2, 64, 64)


def test_pairs_and_the_source_folder_are_refused(tmp_path: Path) -> None:
    writer = PickleTreeWriter(tmp_path)
    writer.write(Key("001", "n", "0"), np.zeros((3, 2, 64, 64), np.uint8))
    with pytest.raises(SettingsError, match="expected another folder"):
        convert_store(open_any(tmp_path), tmp_path, "hdf5")
    writer.write(Key("001", "n", "0"), np.zeros((3, 2, 64, 64), np.uint8), "0_heatmap")
    writer.write(Key("001", "n", "0"), np.zeros((3, 64, 64), np.uint8), "1_sil")
    with pytest.raises(SettingsError, match="found pairs"):
        convert_store(open_pairs(tmp_path), tmp_path / "out", "hdf5")
    with pytest.raises(DataError, match="No such file"):
        open_any(tmp_path / "nowhere")


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_sequence_with_damaged_frames_is_reported_and_others_are_converted(tmp_path: Path, storage: str) -> None:
    rng, keys = np.random.default_rng(0), [Key("001", "n", f"{view:03d}") for view in range(200)]
    frames = rng.integers(0, 255, (3, 2, 16, 16), np.uint8)
    for key in keys:
        PickleTreeWriter(tmp_path / "maps").write(key, frames)
    convert_store(open_any(tmp_path / "maps"), tmp_path / "store", "hdf5", compression="none", workers=1)
    shard = tmp_path / "store" / "shard-00001.h5"
    source = open_source(tmp_path / "store", "map")
    source.read(keys[3])  # opens the shard
    with h5py.File(shard) as file:
        end_of_first = file["frames"].id.get_offset() + frames.nbytes
    with shard.open("r+b") as opened:
        opened.truncate(end_of_first)  # of three sequences in the shard, only the first is complete
    report = convert_store(source, tmp_path / "out", storage, workers=1)
    assert [key for key, _ in report.failed] == keys[4:6]
    assert all("shard-00001.h5: 001/n/" in reason and "found a damaged file" in reason for _, reason in report.failed)
    assert (report.sequences, report.totals["frames"]) == (198, 3 * 198)
    output = open_source(tmp_path / "out", "map")
    assert list(output.keys) == [*keys[:4], *keys[6:]]
    np.testing.assert_array_equal(output.read(keys[3])[0], frames)
