"""A pose dataset to a map dataset: by any number of workers, more than once, with bad files in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.heatmap import HeatmapReport, draw_dataset
from skelgait.maps import skeleton_maps
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_source

KEYS = [Key(f"{i:03d}", "nm-01", "090") for i in range(5)]


def keypoints(seed: int, frames: int = 4) -> np.ndarray:
    """People of random posture, (T, 17, 3)."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform((300, 100), (500, 700), (frames, 17, 2))
    return np.concatenate([xy, rng.uniform(0.3, 1, (frames, 17, 1))], axis=2).astype(np.float32)


@pytest.fixture
def poses(tmp_path: Path) -> SequenceSource:
    for i, key in enumerate(KEYS):
        PickleTreeWriter(tmp_path / "poses").write(key, keypoints(i, 4 + i))
    return open_source(tmp_path / "poses", "pose")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_maps_are_those_of_each_sequence(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    advances: list[int] = []
    report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(storage=storage, workers=1), advances.append)
    assert (report.sequences, report.frames, report.skipped, report.failed) == (5, 4 + 5 + 6 + 7 + 8, 0, ())
    assert sum(advances) == 5
    maps = open_source(tmp_path / "maps", "map")
    for i, key in enumerate(KEYS):
        np.testing.assert_array_equal(maps.read(key)[0], skeleton_maps(keypoints(i, 4 + i)).maps)


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_the_number_of_workers_changes_no_byte(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    for workers in (1, 2):
        draw_dataset(poses, tmp_path / str(workers), HeatmapSettings(storage=storage, workers=workers))
    assert content(tmp_path / "1") == content(tmp_path / "2")


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_what_is_there_is_not_drawn_again(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    settings, out = HeatmapSettings(storage=storage, workers=1), tmp_path / "maps"
    draw_dataset(poses, out, settings)
    before, times = content(out), {p: p.stat().st_mtime_ns for p in out.rglob("*.[ph]*")}
    report = draw_dataset(poses, out, settings)
    assert (report.sequences, report.skipped) == (0, 5)
    assert times == {p: p.stat().st_mtime_ns for p in out.rglob("*.[ph]*") if p.name != "skelgait.json"} | {
        p: t for p, t in times.items() if p.name == "skelgait.json"
    }
    damaged = sorted(out.rglob("*.pkl" if storage == "pkl" else "*.h5"))[1]
    damaged.write_bytes(damaged.read_bytes()[:1000])
    assert draw_dataset(poses, out, settings).sequences == 1
    assert content(out) == before
    assert draw_dataset(poses, out, settings.model_copy(update={"overwrite": True})).sequences == 5
    assert content(out) == before


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_unreadable_sequences_are_named_and_the_others_done(
    poses: SequenceSource, tmp_path: Path, storage: str
) -> None:
    bad = tmp_path / "poses" / "002" / "nm-01" / "090" / "090.pkl"
    good = bad.read_bytes()
    bad.write_bytes(b"junk")
    PickleTreeWriter(tmp_path / "poses").write(KEYS[4], np.zeros((3, 64, 64), np.uint8))
    settings = HeatmapSettings(storage=storage, workers=1)
    report = draw_dataset(poses, tmp_path / "maps", settings)
    assert report.sequences == 3
    assert [key for key, _ in report.failed] == [KEYS[2], KEYS[4]]
    assert str(bad) in report.failed[0][1]
    assert "like silhouettes" in report.failed[1][1]
    bad.write_bytes(good)
    report = draw_dataset(poses, tmp_path / "maps", settings)
    assert (report.sequences, report.skipped) == (1, 3)
    assert list(open_source(tmp_path / "maps", "map").keys) == KEYS[:4]


def test_missing_joints_and_flat_frames_are_counted(tmp_path: Path) -> None:
    sequence = keypoints(0, 6)
    sequence[1, 9] = 0  # lost
    sequence[2] = [400, 300, 0.5]  # a body without height
    PickleTreeWriter(tmp_path / "poses").write(KEYS[0], sequence)
    report = draw_dataset(open_source(tmp_path / "poses", "pose"), tmp_path / "maps", HeatmapSettings(workers=1))
    assert report == HeatmapReport(1, 6, 1, 1, 0, (), report.seconds)


def test_maps_drawn_otherwise_are_not_mixed(poses: SequenceSource, tmp_path: Path) -> None:
    draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
    other = HeatmapSettings(workers=1, sigma_px=4.0)
    with pytest.raises(SettingsError, match=r"maps: found maps with sigma_px 8\.0, expected sigma_px 4\.0"):
        draw_dataset(poses, tmp_path / "maps", other)
    draw_dataset(poses, tmp_path / "maps", other.model_copy(update={"overwrite": True}))
    (tmp_path / "maps" / "skelgait.json").write_text("[]")
    with pytest.raises(DataError, match=r"skelgait\.json: found a damaged file"):
        draw_dataset(poses, tmp_path / "maps", other)


def test_a_target_that_cannot_be_written_is_named(poses: SequenceSource, tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(DataError, match="maps"):
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
