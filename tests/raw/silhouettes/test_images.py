"""Silhouette images: PNG types, folders, frame numbers."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from skelgait.errors import DataError, SettingsError
from skelgait.raw.silhouettes import find_image_folders, find_silhouette_images
from skelgait.raw.silhouettes.png import read_silhouette
from skelgait.storage import Key
from tests.raw.silhouettes import png_trees
from tests.raw.silhouettes.png_trees import blobs, make_walks, write_folder, write_png

MASK = blobs(0, 1)[0]
COLOR = np.dstack([MASK] * 3)


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (MASK, ()),
        (MASK, (cv2.IMWRITE_PNG_BILEVEL, 1)),
        (MASK // 255, ()),  # 0 and 1
        (MASK.astype(np.uint16) * 257, ()),
        (MASK.astype(np.uint16) // 255, ()),
        (COLOR, ()),
        (COLOR // 255, ()),
        (COLOR.astype(np.uint16) * 257, ()),
        (np.dstack([COLOR, np.full_like(MASK, 255)]), ()),
    ],
)
def test_every_png_type_gives_the_same_silhouette(
    tmp_path: Path, image: NDArray[np.generic], options: tuple[int]
) -> None:
    silhouette = read_silhouette(write_png(tmp_path / "a.png", image, *options))
    assert silhouette.dtype == np.uint8
    np.testing.assert_array_equal(silhouette, MASK)


def test_palette_png_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png_trees.palette_png(MASK // 255))
    np.testing.assert_array_equal(read_silhouette(path), MASK)


@pytest.mark.parametrize("faint", [np.zeros((9, 9), np.uint16), np.full((9, 9), 200, np.uint16)])
def test_faint_16_bit_noise_becomes_black(tmp_path: Path, faint: NDArray[np.uint16]) -> None:
    assert not read_silhouette(write_png(tmp_path / "a.png", faint)).any()


def damage(data: bytes, kind: str) -> bytes:
    middle = len(data) // 2
    flipped = data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]
    kinds = {"empty": b"", "junk": b"junk" * 99, "cut": data[:middle], "cut at its end": data[:-6], "flipped": flipped}
    return kinds[kind]


@pytest.mark.parametrize("kind", ["empty", "junk", "cut", "cut at its end", "flipped"])
def test_damaged_png_is_an_error(tmp_path: Path, kind: str) -> None:
    path = write_png(tmp_path / "a.png", MASK)
    path.write_bytes(damage(path.read_bytes(), kind))
    with pytest.raises(DataError, match=r"a\.png: found no image.*, or a damaged one, expected a PNG of a silhouette"):
        read_silhouette(path)


def test_other_image_format_and_missing_file_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(cv2.imencode(".tiff", MASK.astype(np.float32))[1].tobytes())
    with pytest.raises(DataError, match=r"a\.png: found no image"):
        read_silhouette(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"b\.png: found No such file or directory"):
        read_silhouette(tmp_path / "b.png")


def test_folder_without_png_is_an_error_that_describes_the_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="walks: found No such file or directory"):
        find_image_folders(tmp_path / "walks")
    with pytest.raises(DataError, match="found no file, expected folders of PNG images, one per frame; check the path"):
        find_image_folders(tmp_path)
    folder = tmp_path / "001" / "nm-01"
    folder.mkdir(parents=True)
    folder.joinpath("000.pkl").write_bytes(b"")
    folder.joinpath("README").write_text("")
    expected = r"found only files with \.pkl, no suffix \(for example 001/nm-01/000\.pkl\)"
    with pytest.raises(DataError, match=expected):
        find_image_folders(tmp_path)
    write_png(tmp_path / "00001" / "abc_gei.png", MASK)  # not a frame
    with pytest.raises(DataError, match=r"found only files with \.png, "):
        find_image_folders(tmp_path)
    with pytest.raises(DataError, match=r"abc_gei\.png: found Not a directory"):
        find_image_folders(tmp_path / "00001" / "abc_gei.png")


def test_frames_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("f10000.png", "f9999.PNG", "f9.Png", "._f1.png", "f2_gei.png", "f3.png.partial", "f4.jpg"):
        write_png(tmp_path / "anna" / name, MASK)
    (tmp_path / "anna" / "f5.png").mkdir()
    folders = find_image_folders(tmp_path)
    (key,) = folders.keys
    assert key == Key("anna", "00", "00")
    assert [path.name for path in folders.files(key)] == ["f9.Png", "f9999.PNG", "f10000.png"]


def test_names_template_gives_keys_of_unknown_paths(tmp_path: Path) -> None:
    write_folder(tmp_path / "cam1" / "anna-bag" / "x" / "mask", MASK[None])
    write_folder(tmp_path / "cam2" / "bert-bag" / "y" / "mask", MASK[None])
    with pytest.raises(DataError, match="--names"):
        find_image_folders(tmp_path)
    folders = find_image_folders(tmp_path, "{view}/{identity}-{condition}/*/mask")
    assert folders.keys == [Key("anna", "bag", "cam1"), Key("bert", "bag", "cam2")]
    with pytest.raises(SettingsError, match="--names"):
        find_image_folders(tmp_path, "{identity}/{view}")


def test_modification_time_changes_with_frames_and_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "anna", blobs(0, 3))
    folders = find_image_folders(tmp_path)
    (key,) = folders.keys
    long_ago = time.time_ns() - 10**12
    frames = folders.files(key)
    for path in (*frames, tmp_path / "anna"):
        os.utime(path, ns=(long_ago, long_ago))
    times = [folders.modified_ns(key)]
    assert abs(times[0] - long_ago) < 10**6
    os.utime(frames[1], ns=(0, long_ago - 10**9))
    times.append(folders.modified_ns(key))
    frames[0].unlink()
    times.append(folders.modified_ns(key))
    assert len(set(times)) == 3
    for path in frames[1:]:
        path.unlink()
    with pytest.raises(DataError, match="anna: found no PNG, expected at least one frame"):
        folders.modified_ns(key)


def test_silhouettes_by_key_and_frame_number(tmp_path: Path) -> None:
    key, other = Key("00001", "01", "015"), Key("00003", "00", "000")
    walks = make_walks(key, other)
    png_trees.oumvlp(tmp_path, walks)
    write_png(tmp_path / "Silhouette_015-01" / "00001" / "mean.png", MASK)  # without a number
    silhouettes = pickle.loads(pickle.dumps(find_silhouette_images(tmp_path)))  # as passed to workers
    assert dict(silhouettes.frames(Key("00002", "00", "000"))) == {}
    frames = silhouettes.frames(key)
    assert list(frames) == [20, 21, 22]
    assert (len(frames), 20 in frames, 23 in frames, frames.get(23)) == (3, True, False, None)
    np.testing.assert_array_equal([frames[number] for number in frames], walks[key])


def test_images_are_read_on_access_only(tmp_path: Path) -> None:
    write_folder(tmp_path / "anna", blobs(0, 3))
    (tmp_path / "anna" / "002.png").write_bytes(b"junk")
    frames = find_silhouette_images(tmp_path, "{identity}").frames(Key("anna", "00", "00"))
    assert 2 in frames
    np.testing.assert_array_equal(frames[3], blobs(0, 3)[2])
    with pytest.raises(DataError, match=r"002\.png"):
        frames[2]


def test_two_images_of_a_frame_are_an_error(tmp_path: Path) -> None:
    for name in ("left_7.png", "right_07.png"):
        write_png(tmp_path / "anna" / name, MASK)
    with pytest.raises(DataError, match=r"anna: found left_7\.png and right_07\.png, both of frame 7, expected one"):
        find_silhouette_images(tmp_path).frames(Key("anna", "00", "00"))
