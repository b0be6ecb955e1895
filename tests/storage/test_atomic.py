"""Atomic files: no link is followed, neither by writers nor by those that remove files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from skelgait.errors import DataError
from skelgait.preprocess.maps import draw_dataset
from skelgait.settings.schema import HeatmapSettings
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_source
from skelgait.storage.atomic import atomic_write, partial_path, write_text

KEYS = [Key(person, "nm-01", "090") for person in ("001", "002")]


@pytest.mark.parametrize("target", ["missing", "link", "dangling link"])
def test_link_at_a_predictable_temporary_name_is_not_followed(target: str, tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "out.json"
    victim.write_text("content")
    (tmp_path / ".out.json.partial").symlink_to(victim)
    if target != "missing":
        path.symlink_to(victim if target == "link" else tmp_path / "nowhere")
    write_text(path, "new")
    assert (path.read_text(), path.is_symlink(), victim.read_text()) == ("new", False, "content")
    assert not (tmp_path / "nowhere").exists()


def test_temporary_names_are_random_and_made_exclusively(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, victim = tmp_path / "a", tmp_path / "victim"
    assert len({partial_path(path) for _ in range(100)}) == 100
    monkeypatch.setattr("skelgait.storage.atomic.secrets.token_hex", lambda _: "0" * 16)
    victim.write_text("content")
    partial_path(path).symlink_to(victim)
    with pytest.raises(DataError, match="File exists"):
        write_text(path, "new")
    assert victim.read_text() == "content"


def test_temporary_file_is_a_plain_file_with_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    for write in (torch.save, _write_numpy, _write_hdf5):
        with atomic_write(tmp_path / "a") as partial:
            assert partial.is_file()
            assert not partial.is_symlink()
            write(torch.zeros(3), partial)
        assert (tmp_path / "a").stat().st_mode == plain.stat().st_mode


def _write_numpy(array: torch.Tensor, path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, array.numpy())


def _write_hdf5(array: torch.Tensor, path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["a"] = array.numpy()


def poses(folder: Path, frames: int) -> SequenceSource:
    """Write poses with names of frames."""
    tree = PickleTreeWriter(folder)
    for key in KEYS:
        array = np.random.default_rng(frames).uniform(50, 200, (frames, 17, 3)).astype(np.float32)
        array[..., 2] = 0.9
        tree.write(key, array, frame_names=[f"f{t}" for t in range(frames)])
    return open_source(folder, "pose")


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("level", ["files", "views", "identities", "frame names"])
def test_overwrite_into_a_tree_of_links_keeps_the_linked_tree(level: str, tmp_path: Path) -> None:
    settings = HeatmapSettings(workers=1, force=True, overwrite=True)
    source, linked, out = poses(tmp_path / "poses", 3), tmp_path / "linked", tmp_path / "maps"
    draw_dataset(source, linked, settings)
    before = content(linked)
    if level == "files":
        shutil.copytree(linked, out, copy_function=os.symlink)
    elif level == "identities":
        out.mkdir()
        for key in KEYS:
            (out / key.identity).symlink_to(linked / key.identity)
    else:
        shutil.copytree(linked, out)
        inner = Path(".frame_names") if level == "frame names" else Path(*KEYS[0])
        shutil.rmtree(out / inner)
        (out / inner).symlink_to(linked / inner)
    (out / "skelgait.json").unlink(missing_ok=True)
    report = draw_dataset(poses(tmp_path / "poses", 4), out, settings)
    assert report.sequences == 2
    assert content(linked) == before
    assert not [path for path in out.rglob("*") if path.is_symlink()]
    assert open_source(out, "map").frame_names(KEYS[0]) == ["f0", "f1", "f2", "f3"]


def test_new_run_into_a_linked_folder_is_refused(tmp_path: Path) -> None:
    settings = HeatmapSettings(workers=1, force=True)
    source, linked, out = poses(tmp_path / "poses", 3), tmp_path / "linked", tmp_path / "maps"
    draw_dataset(source, linked, settings)
    before = content(linked)
    out.mkdir()
    (out / "001").symlink_to(linked / "001")
    with pytest.raises(DataError, match=r"maps/001: found a link to .*linked/001, .*; remove the link"):
        draw_dataset(poses(tmp_path / "poses", 4), out, settings)
    assert content(linked) == before


def test_linked_root_is_used_as_the_folder_that_it_points_to(tmp_path: Path) -> None:
    source, disk = poses(tmp_path / "poses", 3), tmp_path / "disk"
    disk.mkdir()
    (tmp_path / "maps").symlink_to(disk)
    for _ in range(2):
        settings = HeatmapSettings(workers=1, force=True, overwrite=True)
        assert draw_dataset(source, tmp_path / "maps", settings).sequences == 2
    assert (tmp_path / "maps").is_symlink()
    assert (disk / "001" / "nm-01" / "090" / "090.pkl").is_file()
