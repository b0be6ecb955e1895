"""Drawing the maps of a dataset: workers, resumption, damaged and changed files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from skelgait.errors import DataError, SettingsError
from skelgait.maps import SkeletonMaps, skeleton_maps
from skelgait.preprocess.build_report import BuildReport
from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.maps import draw_dataset
from skelgait.runtime.process_group import ProcessGroup
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_source
from skelgait.storage.metadata import DatasetMetadata, write_metadata
from tests.locked import locked
from tests.paths import ROOT
from tests.raw.poses.dataset_builders import upright
from tests.synthetic_data import write_dataset

KEYS = [Key(f"{i:03d}", "nm-01", "090") for i in range(5)]


def keypoints(seed: int, frames: int = 4) -> np.ndarray:
    """Return keypoints (T, 17, 3) of rough bodies."""
    return upright(np.random.default_rng(seed), frames).astype(np.float32)


@pytest.fixture
def poses(tmp_path: Path) -> SequenceSource:
    for i, key in enumerate(KEYS):
        PickleTreeWriter(tmp_path / "poses").write(key, keypoints(i, 4 + i))
    return open_source(tmp_path / "poses", "pose")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_maps_equal_those_of_single_sequences(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    advances: list[int] = []

    def counted(n: int, _status: str = "", /) -> None:
        advances.append(n)

    report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(storage=storage, workers=1), advance=counted)
    assert (report.sequences, report.totals["frames"], report.skipped, report.failed) == (5, 4 + 5 + 6 + 7 + 8, 0, ())
    assert sum(advances) == 5
    maps = open_source(tmp_path / "maps", "map")
    for i, key in enumerate(KEYS):
        np.testing.assert_array_equal(maps.read(key)[0], skeleton_maps(keypoints(i, 4 + i)).maps)


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_output_is_independent_of_workers(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    for workers in (1, 2):
        draw_dataset(poses, tmp_path / str(workers), HeatmapSettings(storage=storage, workers=workers))
    assert content(tmp_path / "1") == content(tmp_path / "2")


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_existing_maps_are_skipped_and_damaged_ones_drawn_again(
    poses: SequenceSource, tmp_path: Path, storage: str
) -> None:
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
def test_unreadable_sequences_are_reported_and_others_drawn(
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


def test_filled_joints_and_empty_maps_are_counted(tmp_path: Path) -> None:
    sequence = keypoints(0, 6)
    sequence[1, 9] = 0  # lost
    sequence[2] = [400, 300, 0.5]  # a body without height
    PickleTreeWriter(tmp_path / "poses").write(KEYS[0], sequence)
    report = draw_dataset(open_source(tmp_path / "poses", "pose"), tmp_path / "maps", HeatmapSettings(workers=1))
    assert report == BuildReport(
        {KEYS[0]: {"frames": 6, "filled_joints": 1, "empty_maps": 1, "odd_confidences": 0}},
        seconds=report.seconds,
        details=report.details,
    )


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_impossible_poses_are_reported_and_odd_confidences_counted(
    poses: SequenceSource, tmp_path: Path, storage: str
) -> None:
    far, percent, odd = keypoints(0), keypoints(1), keypoints(2)
    far[1, 3, 0] = 1e38
    percent[0, 0, 2] = 97.5
    odd[0, :3, 2] = [1.5, -0.1, 1]
    for key, array in zip(KEYS, (far, percent, odd, np.zeros((4, 17, 3))), strict=False):
        PickleTreeWriter(tmp_path / "poses").write(key, array)
    report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, storage=storage))
    folder, lowest = tmp_path / "poses", f"{percent[..., 2].min():.3g}"
    assert [reason.split(", expected")[0] for _, reason in report.failed] == [
        f"{folder}: 000/nm-01/090: found the coordinate 1e+38 of joint 3 in frame 1",
        f"{folder}: 001/nm-01/090: found 3D joints (third values from {lowest} to 97.5 are no confidences)",
        f"{folder}: 003/nm-01/090: found no joint in any of 4 frames",
    ]
    assert {key: counts["odd_confidences"] for key, counts in report.made.items()} == {KEYS[2]: 2, KEYS[4]: 0}
    assert list(open_source(tmp_path / "maps", "map").keys) == [KEYS[2], KEYS[4]]


def test_maps_of_other_settings_are_refused(poses: SequenceSource, tmp_path: Path) -> None:
    draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
    other = HeatmapSettings(workers=1, sigma_px=4.0)
    with pytest.raises(SettingsError, match=r"maps: found sequences made with sigma_px 8\.0, expected sigma_px 4\.0"):
        draw_dataset(poses, tmp_path / "maps", other)
    draw_dataset(poses, tmp_path / "maps", other.model_copy(update={"overwrite": True}))
    (tmp_path / "maps" / "skelgait.json").write_text("[]")
    with pytest.raises(DataError, match=r"skelgait\.json: found a damaged file"):
        draw_dataset(poses, tmp_path / "maps", other)


def test_maps_of_poses_made_with_other_settings_are_refused(poses: SequenceSource, tmp_path: Path) -> None:
    # The files of the poses keep the dates of the raw files, which do not show that the poses are others.
    def made_with(person_index: int, storage: str) -> None:
        settings = {"person_index": person_index, "storage": storage}
        write_metadata(poses.path, DatasetMetadata("raw", settings))

    config = HeatmapSettings(workers=1)
    made_with(0, "pkl")
    draw_dataset(poses, tmp_path / "maps", config)
    made_with(0, "hdf5")
    assert draw_dataset(poses, tmp_path / "maps", config).skipped == 5
    made_with(1, "hdf5")
    message = r"maps: found sequences of .*poses when it was made with person_index 0, expected person_index 1; "
    with pytest.raises(SettingsError, match=message):
        draw_dataset(poses, tmp_path / "maps", config)
    assert draw_dataset(poses, tmp_path / "maps", config.model_copy(update={"overwrite": True})).sequences == 5
    assert draw_dataset(poses, tmp_path / "maps", config).skipped == 5


def test_file_instead_of_folder_is_refused(poses: SequenceSource, tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(DataError, match="maps"):
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))


def test_maps_of_other_poses_are_refused(poses: SequenceSource, tmp_path: Path) -> None:
    settings = HeatmapSettings(workers=1)
    draw_dataset(poses, tmp_path / "maps", settings)
    PickleTreeWriter(tmp_path / "others").write(KEYS[0], keypoints(9))
    others = open_source(tmp_path / "others", "pose")
    with pytest.raises(
        SettingsError, match=r"maps: found sequences made from .*poses, expected .*others; choose another"
    ):
        draw_dataset(others, tmp_path / "maps", settings)


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_changed_poses_are_drawn_again(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    settings = HeatmapSettings(storage=storage, workers=1)
    draw_dataset(poses, tmp_path / "maps", settings)
    file = PickleTreeWriter(tmp_path / "poses").write(KEYS[2], keypoints(9, 3))
    os.utime(file, (time.time() + 5, time.time() + 5))
    assert draw_dataset(poses, tmp_path / "maps", settings).sequences == 1
    assert open_source(tmp_path / "maps", "map").length(KEYS[2]) == 3


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_poses_restored_under_an_older_date_are_drawn_again(
    poses: SequenceSource, tmp_path: Path, storage: str
) -> None:
    settings = HeatmapSettings(storage=storage, workers=1)
    draw_dataset(poses, tmp_path / "maps", settings)
    file = PickleTreeWriter(tmp_path / "poses").write(KEYS[2], keypoints(9, 3))
    os.utime(file, (1e9, 1e9))
    report = draw_dataset(poses, tmp_path / "maps", settings)
    assert (list(report.made), report.skipped) == ([KEYS[2]], 4)
    np.testing.assert_array_equal(
        open_source(tmp_path / "maps", "map").read(KEYS[2])[0], skeleton_maps(keypoints(9, 3)).maps
    )
    assert draw_dataset(poses, tmp_path / "maps", settings).skipped == 5


def test_poses_restored_in_an_hdf5_store_are_drawn_again(poses: SequenceSource, tmp_path: Path) -> None:
    def draw() -> list[Key]:
        convert_store(poses, tmp_path / "store", "hdf5", workers=1)
        return list(draw_dataset(open_source(tmp_path / "store", "pose"), tmp_path / "maps", settings).made)

    settings = HeatmapSettings(workers=1)
    assert draw() == KEYS
    os.utime(PickleTreeWriter(tmp_path / "poses").write(KEYS[2], keypoints(9, 3)), (1e9, 1e9))
    assert draw() == [KEYS[2]]
    assert draw() == []


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
@pytest.mark.parametrize("n_removed", [1, 4])
def test_maps_of_removed_poses_are_removed(
    poses: SequenceSource, tmp_path: Path, storage: str, n_removed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All sequences in one shard.
    monkeypatch.setattr("skelgait.storage.chunks._CHUNKS", 1)
    settings, out = HeatmapSettings(storage=storage, workers=1), tmp_path / "maps"
    draw_dataset(poses, out, settings)
    before = {key: open_source(out, "map").read(key)[0] for key in KEYS}
    for key in KEYS[:n_removed]:
        shutil.rmtree(tmp_path / "poses" / key.identity)
    report = draw_dataset(open_source(tmp_path / "poses", "pose"), out, settings)
    assert (report.removed, report.stale, report.skipped) == (tuple(KEYS[:n_removed]), (), 5 - n_removed)
    assert f"removed {n_removed} sequences (000/nm-01/090" in report.warnings()[0]
    assert f", {n_removed} removed>" in repr(report)
    maps = open_source(out, "map")
    assert list(maps.keys) == KEYS[n_removed:]
    for key in maps.keys:
        np.testing.assert_array_equal(maps.read(key)[0], before[key])
    assert not (out / KEYS[0].identity).exists()
    report = draw_dataset(open_source(tmp_path / "poses", "pose"), out, settings)
    assert (report.removed, report.skipped) == ((), 5 - n_removed)


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_maps_of_poses_elsewhere_are_kept_and_reported_as_stale(
    poses: SequenceSource, tmp_path: Path, storage: str
) -> None:
    settings, out = HeatmapSettings(storage=storage, workers=1), tmp_path / "maps"
    draw_dataset(poses, out, settings)
    (tmp_path / "poses").rename(tmp_path / "archive")
    PickleTreeWriter(tmp_path / "new").write(Key("100", "nm-01", "090"), keypoints(7))
    for written in (1, 0):
        report = draw_dataset(open_source(tmp_path / "new", "pose"), out, settings)
        assert (report.sequences, report.removed, report.stale) == (written, (), tuple(KEYS))
        (warning,) = report.warnings()
        assert warning.startswith(
            "found 5 sequences (000/nm-01/090, 001/nm-01/090, 002/nm-01/090, ...) that the source"
        )
        assert len(open_source(out, "map").keys) == 6


def test_maps_of_another_program_are_kept_and_reported_as_stale(poses: SequenceSource, tmp_path: Path) -> None:
    other = Key("100", "nm-01", "090")
    PickleTreeWriter(tmp_path / "maps").write(other, skeleton_maps(keypoints(7)).maps)
    for written in (5, 0):
        report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
        assert (report.sequences, report.removed, report.stale) == (written, (), (other,))
    assert len(open_source(tmp_path / "maps", "map").keys) == 6
    report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, overwrite=True))
    assert (report.sequences, report.stale) == (5, ())
    assert list(open_source(tmp_path / "maps", "map").keys) == KEYS


def test_metadata_without_sequences_is_replaced(poses: SequenceSource, tmp_path: Path) -> None:
    missing = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = next(name for name, there in missing.items() if not there)
    with pytest.raises(SettingsError, match="--device"):
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, device=device))
    assert not (tmp_path / "maps").exists()
    write_metadata(tmp_path / "maps", DatasetMetadata(str(poses.path), {"sigma_px": 1.0}))
    assert draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1)).sequences == 5


def test_interrupted_overwrite_leaves_no_maps_of_earlier_settings(
    poses: SequenceSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
    other = HeatmapSettings(workers=1, sigma_px=4.0)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for name in (
        "storage.metadata.remove_sequences",
        "preprocess.build.in_workers",
    ):  # before, and after the earlier maps are gone
        with monkeypatch.context() as patched:
            patched.setattr(f"skelgait.{name}", interrupted)
            with pytest.raises(KeyboardInterrupt):
                draw_dataset(poses, tmp_path / "maps", other.model_copy(update={"overwrite": True}))
        assert draw_dataset(poses, tmp_path / "maps", other).sequences == 5
    draw_dataset(poses, tmp_path / "expected", other)
    assert content(tmp_path / "maps") == content(tmp_path / "expected")


def test_overwrite_in_another_storage_removes_the_first(poses: SequenceSource, tmp_path: Path) -> None:
    for storage in ("hdf5", "pkl", "hdf5"):
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, storage=storage, overwrite=True))
        kinds = {path.suffix for path in (tmp_path / "maps").rglob("*") if path.is_file()}
        assert kinds == {".json", ".h5" if storage == "hdf5" else ".pkl"}


def test_overwrite_removes_only_maps(poses: SequenceSource, tmp_path: Path) -> None:
    silhouettes = PickleTreeWriter(tmp_path / "maps").write(KEYS[0], np.zeros((3, 64, 64), np.uint8), "sil")
    draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1, overwrite=True))
    assert silhouettes.is_file()


def test_sequence_without_frames_is_reported(poses: SequenceSource, tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path / "poses").write(KEYS[1], np.zeros((0, 17, 3)))
    report = draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
    assert [key for key, _ in report.failed] == [KEYS[1]]
    assert "found no frame" in report.failed[0][1]


def test_torch_draws_the_same_maps(poses: SequenceSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_dataset(poses, tmp_path / "cpu", HeatmapSettings(workers=1))
    with monkeypatch.context() as patched:  # as if the processor were another device
        patched.setattr("skelgait.preprocess.maps._with_device", lambda settings: settings)
        draw_dataset(poses, tmp_path / "other", HeatmapSettings(workers=1, device="auto"))
    for key in KEYS:
        first, second = (open_source(tmp_path / name, "map").read(key)[0] for name in ("cpu", "other"))
        assert (first == second).mean() > 0.9999


def test_folder_of_the_poses_and_other_stores_are_refused(poses: SequenceSource, tmp_path: Path) -> None:
    before = content(tmp_path / "poses")
    with pytest.raises(SettingsError, match="poses: found the folder of the poses"):
        draw_dataset(poses, tmp_path / "poses", HeatmapSettings(workers=1, overwrite=True))
    assert content(tmp_path / "poses") == before
    convert_store(poses, tmp_path / "store", "hdf5", workers=1)
    (tmp_path / "store" / "skelgait.json").unlink()
    with pytest.raises(DataError, match=r"shard-00000\.h5: found a store of poses, expected a store of maps"):
        draw_dataset(poses, tmp_path / "store", HeatmapSettings(workers=1, storage="hdf5"))


def test_grown_dataset_keeps_existing_maps(poses: SequenceSource, tmp_path: Path) -> None:
    settings, out = HeatmapSettings(workers=1, storage="hdf5"), tmp_path / "maps"
    draw_dataset(poses, out, settings)
    before = content(out)
    more = [Key(f"-{i:03d}", "nm-01", "090") for i in range(130)]  # sorted before the others
    for i, key in enumerate(more):
        PickleTreeWriter(tmp_path / "poses").write(key, keypoints(i, 2))
    grown = open_source(tmp_path / "poses", "pose")
    report = draw_dataset(grown, out, settings)
    assert (report.sequences, report.skipped) == (130, 5)
    assert before.items() <= content(out).items()
    assert draw_dataset(grown, out, settings).skipped == 135
    assert list(open_source(out, "map").keys) == list(grown.keys)
    (tmp_path / "poses" / KEYS[0].identity / "nm-01" / "090" / "090.pkl").unlink()
    assert draw_dataset(open_source(tmp_path / "poses", "pose"), out, settings).skipped == 134


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_poses_changed_while_drawn_are_drawn_again(
    poses: SequenceSource, tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = HeatmapSettings(workers=1, storage=storage)

    def slowly(*args: object, **options: object) -> SkeletonMaps:
        monkeypatch.undo()
        PickleTreeWriter(tmp_path / "poses").write(KEYS[0], keypoints(9, 3))
        return skeleton_maps(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("skelgait.maps.skeleton_maps", slowly)
    draw_dataset(poses, tmp_path / "maps", settings)
    assert draw_dataset(poses, tmp_path / "maps", settings).sequences == 1
    assert open_source(tmp_path / "maps", "map").length(KEYS[0]) == 3


def test_second_run_in_the_same_folder_is_refused(poses: SequenceSource, tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    with locked(tmp_path / "maps"), pytest.raises(DataError, match=r"maps: found `.*` \(process \d+ on .*\) writing"):
        draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1))
    assert draw_dataset(poses, tmp_path / "maps", HeatmapSettings(workers=1)).sequences == 5


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_process_group_gives_the_same_bytes(poses: SequenceSource, tmp_path: Path, storage: str) -> None:
    settings = HeatmapSettings(storage=storage, workers=1)
    draw_dataset(poses, tmp_path / "alone", settings)
    with ThreadPoolExecutor(3) as processes:
        meeting = Meeting(3)
        groups = [ProcessGroup(rank, 3, partial(meeting.gather, rank)) for rank in range(3)]
        reports = list(
            processes.map(lambda group: draw_dataset(poses, tmp_path / "shared", settings, group=group), groups)
        )
    assert [report.sequences for report in reports] == [5, 5, 5]
    assert content(tmp_path / "shared") == content(tmp_path / "alone")


class Meeting:
    """Implementation of `gather` for threads."""

    def __init__(self, size: int) -> None:
        self.items: list[object] = [None] * size
        self.barrier = Barrier(size)

    def gather(self, rank: int, item: object) -> list[object]:
        self.items[rank] = item
        self.barrier.wait()
        items = list(self.items)
        self.barrier.wait()
        return items


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_resume_after_kill_is_bit_identical(tmp_path: Path, storage: str) -> None:
    write_dataset(tmp_path, views=4, frames=60)
    command = [sys.executable, "-m", "skelgait", "heatmap", "--storage", storage, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    def start(out: str, *more: str) -> subprocess.Popen[str]:
        # In a new session, so that the workers can be killed with it.
        return subprocess.Popen(
            [*command, "--maps", out, *more], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip

    assert json.loads(start("whole", "--workers", "1").communicate()[0])["sequences"] == 8 * 4 * 4
    n_files = 0
    for attempt in range(3):
        process = start("killed", "--workers", "2")
        while len(list((tmp_path / "killed").rglob("*.[ph][k5]*"))) <= n_files + attempt and process.poll() is None:
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)  # its workers end by themselves
        process.communicate()
        n_files = len([path for path in (tmp_path / "killed").rglob("*.[ph][k5]*") if path.name[0] != "."])
    process = start("killed", "--nproc", "2", "--workers", "1")
    report = json.loads(process.communicate()[0])
    assert process.returncode == 0
    assert report["skipped"] >= n_files > 0
    assert report["sequences"] + report["skipped"] == 8 * 4 * 4
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
