"""Previews of sequences from trees, HDF5 files and pairs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageSequence

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.convert import convert_store
from skelgait.storage import Key, PickleTreeWriter, open_any
from skelgait.viz.contact_sheet import Strip, save_animation
from skelgait.viz.preview import locate, save_previews
from tests.synthetic_data import write_dataset

KEY = Key("001", "n", "000")


def maps_of(frames: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (frames, 2, 64, 64), np.uint8)


def animation(path: Path) -> list[np.ndarray]:
    with Image.open(path) as image:
        return [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def test_sequence_without_frames_raises_data_error(tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path).write(KEY, maps_of(0))
    with pytest.raises(DataError, match="001/n/000: found no frames"):
        save_previews(tmp_path / "out", open_any(tmp_path), KEY, 9)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pointer", [".", "001/n/000", "001/n/000/000.pkl", "store"])
def test_path_is_a_dataset_a_sequence_folder_or_a_file(tmp_path: Path, pointer: str) -> None:
    PickleTreeWriter(tmp_path / "tree").write(KEY, maps_of(7))
    PickleTreeWriter(tmp_path / "tree").write(KEY._replace(view="090"), maps_of(9))
    convert_store(open_any(tmp_path / "tree"), tmp_path / "tree" / "store", "hdf5", workers=1)
    source, key = locate(tmp_path / "tree" / pointer, None)
    sheet, gif = save_previews(tmp_path / "out", source, key, 3)
    assert (sheet.name, gif.name) == ("001_n_000.png", "001_n_000.gif")
    assert cv2.imread(str(sheet)).shape == (24 + 132, 9 * 132, 3)
    frames = animation(gif)
    assert len(frames) == 7
    assert frames[0].shape == (24 + 128, 3 * 132, 3)
    assert (frames[0] != frames[1]).any()


def test_poses_are_drawn_and_pairs_show_silhouettes(tmp_path: Path) -> None:
    write_dataset(tmp_path)
    source, key = locate(tmp_path / "poses", "001/nm-01/000")
    save_previews(tmp_path, source, key, 1)
    assert cv2.imread(str(tmp_path / "001_nm-01_000.png")).any()
    writer = PickleTreeWriter(tmp_path / "pairs")
    writer.write(KEY, maps_of(5), "0_heatmap")
    writer.write(KEY, np.full((5, 64, 64), 255, np.uint8), "1_sil")
    for path in (tmp_path / "pairs", tmp_path / "pairs" / "001" / "n" / "000"):
        sheet, _ = save_previews(tmp_path, *locate(path, None), 1)
        assert cv2.imread(str(sheet)).shape[1] == 4 * 132
        assert cv2.imread(str(sheet))[100, 3 * 132 + 60].tolist() == [255, 255, 255]
    sheet, _ = save_previews(tmp_path / "silhouettes-only", *locate(tmp_path / "silhouettes", None), 1)
    assert cv2.imread(str(sheet)).shape[1] == 132


def test_unknown_sequence_raises_settings_error(tmp_path: Path) -> None:
    PickleTreeWriter(tmp_path).write(KEY, maps_of(2))
    with pytest.raises(SettingsError, match=r"--sequence: found 001, expected .* for example 001/n/000"):
        locate(tmp_path, "001")


def test_colors_of_an_animation_are_close_to_those_drawn(tmp_path: Path) -> None:
    maps = np.zeros((2, 2, 64, 64), np.uint8)
    maps[:, 0] = np.linspace(0, 255, 64, dtype=np.uint8)  # a ramp of limbs
    save_animation(tmp_path / "a.gif", Strip("ramp", maps))
    red = animation(tmp_path / "a.gif")[0][60, :128, 0].astype(int)
    assert np.abs(red - np.linspace(0, 255, 128)).max() < 60
