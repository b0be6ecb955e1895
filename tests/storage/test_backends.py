"""Registration of a storage backend: one class and one entry make it available everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.convert import convert_store
from skelgait.preprocess.maps import draw_dataset
from skelgait.settings import load_settings
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import (
    BACKENDS,
    Backend,
    Chunk,
    ChunkWriter,
    FrameChoice,
    Key,
    Modality,
    PickleTreeWriter,
    SequenceInfo,
    SequenceSource,
    open_any,
    open_source,
)
from skelgait.storage.backends import backend_at
from skelgait.storage.metadata import DatasetMetadata
from tests.paths import ROOT

KEYS = [Key("001", "nm", "000"), Key("001", "nm", "090"), Key("002", "nm", "000")]


class NpzStore(SequenceSource):
    """Source of sequences in files OUT/<identity>_<condition>_<view>.npz."""

    title = "an npz store"

    def __init__(self, path: Path, modality: Modality) -> None:
        self.path = path
        self.modalities = (modality,)
        self.keys = sorted(Key(*file.stem.split("_")) for file in path.glob("*.npz"))

    def read(self, key: Key, choose: FrameChoice | None = None) -> tuple[np.ndarray, ...]:
        try:
            frames = np.load(npz_file(self.path, key))["frames"]
        except (OSError, KeyError, BadZipFile) as error:
            raise DataError(self.path, f"a damaged file ({error})", "an npz file", "write it again") from error
        return (frames if choose is None else frames[choose(len(frames))],)

    def header(self, key: Key) -> np.ndarray:
        return self.read(key)[0]

    def modified_ns(self, key: Key) -> int:
        return npz_file(self.path, key).stat().st_mtime_ns


@dataclass(frozen=True)
class NpzWriter(ChunkWriter):
    """Writer of one npz file for each sequence."""

    out: Path

    def finished(self, chunk: Chunk) -> dict[Key, int]:
        files = {key: npz_file(self.out, key) for key in chunk.keys}
        return {key: file.stat().st_mtime_ns for key, file in files.items() if file.is_file()}

    def write(self, chunk: Chunk, sequences: Mapping[Key, SequenceInfo], arrays: Iterable[np.ndarray]) -> None:
        for (key, info), array in zip(sequences.items(), arrays, strict=True):
            np.savez(npz_file(self.out, key), frames=array)
            os.utime(npz_file(self.out, key), ns=(info.modified_ns, info.modified_ns))

    def others(self, keys: Collection[Key]) -> list[Key]:
        stored = [Key(*path.stem.split("_")) for path in sorted(self.out.glob("*.npz"))]
        return [key for key in stored if key not in keys]

    def remove(self, keys: Collection[Key]) -> None:
        for key in keys:
            npz_file(self.out, key).unlink()


class NpzBackend(Backend):
    """Folder of npz files."""

    name = "npz"
    description = "an npz store"

    def holds(self, path: Path) -> bool:
        return path.is_dir() and any(path.glob("*.npz"))

    def open(self, path: Path, modality: Modality | None = None, pattern: str = "*.pkl") -> SequenceSource:
        return NpzStore(path, modality or "map")

    def writer(
        self,
        out: Path,
        modality: Modality,
        metadata: DatasetMetadata,
        *,
        compression: str = "lz4hc",
        file_name: Callable[[Key], str] = str,
    ) -> ChunkWriter:
        return NpzWriter(out)

    def remove(self, out: Path, modality: Modality) -> None:
        for file in out.glob("*.npz"):
            file.unlink()


def npz_file(folder: Path, key: Key) -> Path:
    return folder / f"{'_'.join(key)}.npz"


@pytest.fixture
def npz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BACKENDS, "npz", NpzBackend())


def test_unregistered_storage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="should be 'pkl' or 'hdf5'"):
        load_settings(flags={"heatmap.storage": "npz"}, environ={}, default_file=None)
    PickleTreeWriter(tmp_path / "maps").write(KEYS[0], np.zeros((3, 2, 8, 8), np.uint8))
    with pytest.raises(SettingsError, match="--storage: found npz, expected one of pkl, hdf5"):
        convert_store(open_source(tmp_path / "maps", "map"), tmp_path / "out", "npz")


@pytest.mark.usefixtures("npz")
def test_registered_storage_is_a_setting() -> None:
    resolved = load_settings(flags={"heatmap.storage": "npz"}, environ={}, default_file=None)
    assert resolved.settings.heatmap.storage == "npz"


@pytest.mark.usefixtures("npz")
def test_maps_are_drawn_into_a_registered_storage(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for key in KEYS:
        PickleTreeWriter(tmp_path / "poses").write(key, rng.uniform(100, 500, (4, 17, 3)) / (1, 1, 500))
    poses, out = open_source(tmp_path / "poses", "pose"), tmp_path / "maps"
    config = HeatmapSettings(storage="npz", workers=1, force=True)
    assert draw_dataset(poses, out, config).sequences == 3
    assert draw_dataset(poses, out, config).skipped == 3
    assert open_any(out).title == "an npz store"
    assert list(open_source(out, "map").keys) == KEYS
    draw_dataset(poses, out, HeatmapSettings(storage="pkl", workers=1, overwrite=True))
    assert not list(out.glob("*.npz"))
    assert backend_at(out).name == "pkl"


@pytest.mark.usefixtures("npz")
@pytest.mark.parametrize("workers", [1, 2])
def test_conversion_from_and_to_a_registered_storage(tmp_path: Path, workers: int) -> None:
    rng = np.random.default_rng(0)
    maps: dict[Key, Any] = {key: rng.integers(0, 255, (5, 2, 8, 8), np.uint8) for key in KEYS}
    for key, frames in maps.items():
        PickleTreeWriter(tmp_path / "tree").write(key, frames)
    convert_store(open_any(tmp_path / "tree"), tmp_path / "npz", "npz", workers=workers)
    assert backend_at(tmp_path / "npz").converts_to == "pkl"
    convert_store(open_any(tmp_path / "npz"), tmp_path / "back", "pkl", workers=workers)
    source = open_any(tmp_path / "back")
    for key, frames in maps.items():
        np.testing.assert_array_equal(source.read(key)[0], frames)


def test_names_of_backends_need_neither_numpy_nor_h5py() -> None:
    code = "import sys, skelgait.settings; assert not {'numpy', 'h5py', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
