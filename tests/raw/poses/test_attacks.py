"""Files that attack: refused at once, with their names; or read with time and memory in proportion to their size."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.raw.poses import open_raw, read_options
from skelgait.raw.poses.person_index import read_person_index
from tests.limits import within

ROW = ",".join(["0.5"] * 51)
TABLE_HEAD = "frame," + ",".join(f"{n}_{axis}" for n in range(17) for axis in "xyc")
ONE = {"image_id": "1.jpg", "keypoints": [0.5] * 51, "score": 1.0, "category_id": 1}
LONG = "9" * 5000
NPY_HEAD = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }"


def npy(shape: str, n_bytes: int = 0) -> bytes:
    """Return an .npy file whose header names a shape, with another number of bytes."""
    head = (NPY_HEAD % shape).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + bytes(n_bytes)


def npz(content: bytes, name: str = "joints.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


@cache
def npz_bomb() -> bytes:
    """Return a file of 80 kB that unpacks to an array of 80 MB."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("joints.npy", "w") as member:
        member.write(npy("(400000, 17, 3)", 400_000 * 4 * 51))
    return file.getvalue()


def objects() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([{}], object), allow_pickle=True)
    return file.getvalue()


def alphapose(**fields: Any) -> bytes:
    return json.dumps([ONE, {**ONE, **fields}]).encode()


REFUSED: dict[str, tuple[str, str, bytes | Callable[[], bytes]]] = {
    "nested lists": ("alphapose", "walk.json", b"[" * 100_000),
    "nested objects": ("alphapose", "walk.json", b'[{"a":' * 100_000),
    "nested closed lists": ("yolo-video", "walk.json", b"[" * 100_000 + b"]" * 100_000),
    "long integer": ("alphapose", "walk.json", f'[{{"image_id": "1.jpg", "keypoints": [{LONG}]}}]'.encode()),
    "integer beyond any float": ("alphapose", "walk.json", alphapose(keypoints=[10**400] * 51)),
    "half of a character": ("alphapose", "walk.json", alphapose(image_id="\ud800.jpg")),
    "NUL in a name": ("alphapose", "walk.json", alphapose(image_id="\0.jpg")),
    "UTF-16 without its mark": ("alphapose", "walk.json", json.dumps([ONE]).encode("utf-16-le")),
    "bytes": ("alphapose", "walk.json", bytes(range(256))),
    "one long row": ("table", "walk.csv", f"{TABLE_HEAD}\n".encode() + b"1," * 10_000_000),
    "one long cell": ("table", "walk.csv", f"{TABLE_HEAD}\n".encode() + b"1" * 200_000),
    "frame of 5000 digits": ("table", "walk.csv", f"{TABLE_HEAD}\n{LONG},{ROW}\n1,{ROW}".encode()),
    "frame of no ASCII digits": ("table", "walk.csv", f"{TABLE_HEAD}\n²,{ROW}\n1,{ROW}".encode()),
    "UTF-16 table": ("table", "walk.csv", f"{TABLE_HEAD}\n1,{ROW}".encode("utf-16")),
    "one long row of a dataset": ("casia-b-csv", "walk.csv", b"a/001-nm-01-000/1.jpg," + b"1," * 10_000_000),
    "many frames": ("ntu", "walk.skeleton", b"999999999\n1\n1 0\n999999999\n"),
    "frames of 5000 digits": ("ntu", "walk.skeleton", LONG.encode()),
    "one long line": ("ntu", "walk.skeleton", b"1\n1\n" + b"1 " * 10_000_000),
    "one long row of markers": ("trc", "walk.trc", b"PathFileType\n" + b"1\t" * 10_000_000),
    "large frame": ("gait3d", "walk/1.txt", b"1," * 10_000_000),
    "large frame of labels": ("yolo-txt", "walk/1.txt", b"1 " * 10_000_000),
    "size that is not there": ("numpy", "walk.npy", npy("(999999999999, 17, 3)", 204)),
    "packed size that is not there": ("numpy", "walk.npz", npz(npy("(999999999, 17, 3)", 204))),
    "negative size": ("numpy", "walk.npz", npz(npy("(-1, 17, 3)", 204))),
    "nested size": ("numpy", "walk.npy", npy("(" * 1000)),
    "objects": ("numpy", "walk.npy", objects),
    "packed objects": ("numpy", "walk.npz", lambda: npz(objects())),
    "bomb": ("numpy", "walk.npz", npz_bomb),
    "truncated archive": ("numpy", "walk.npz", npz(npy("(1, 17, 3)", 204))[:-30]),
}  # fmt: skip


def write(path: Path, content: bytes | Callable[[], bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content())
    return path


def read_all(folder: Path, layout: str) -> None:
    raw = open_raw(folder, layout)
    for key in raw.keys:
        raw.read(key)


@pytest.mark.parametrize("name", REFUSED)
def test_attack_is_refused_with_the_file_at_once(tmp_path: Path, name: str) -> None:
    layout, file, content = REFUSED[name]
    path = write(tmp_path / file, content)
    with within(), pytest.raises(DataError) as error:
        read_all(tmp_path, layout)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 700


READ = {
    "values out of range": ("alphapose", "walk.json", json.dumps([ONE]).replace("0.5", "1e999", 1).encode(), 1),
    "NaN": ("alphapose", "walk.json", json.dumps([ONE]).replace("0.5", "NaN", 1).encode(), 1),
    "byte order mark": ("alphapose", "walk.json", b"\xef\xbb\xbf" + json.dumps([ONE]).encode(), 1),
    "a late frame": ("alphapose", "walk.json", alphapose(image_id="999999999.jpg"), 2),
    "a track id of many digits": ("alphapose", "walk.json", alphapose(image_id="2.jpg", idx=int("9" * 4000)), 2),
    "a late row": ("table", "walk.csv", f"\ufeff{TABLE_HEAD}\n1,{ROW}\n999999999,{ROW}".encode(), 2),
    "a row out of range": ("table", "walk.csv", f"{TABLE_HEAD}\n1,1e999{ROW[3:]}\n2,{ROW}".encode(), 2),
}


@pytest.mark.parametrize("name", READ)
def test_odd_file_is_read_without_frames_for_all_numbers_between(tmp_path: Path, name: str) -> None:
    layout, file, content, frames = READ[name]
    write(tmp_path / file, content)
    with within():
        raw = open_raw(tmp_path, layout, options=read_options("COCO-17"))
        (key,) = raw.keys
        assert len(raw.read(key).people) == frames


@pytest.mark.parametrize("name", REFUSED)
def test_recognition_never_fails(tmp_path: Path, name: str) -> None:
    _, file, content = REFUSED[name]
    write(tmp_path / file, content)
    with within(), suppress(DataError):
        open_raw(tmp_path)


def test_person_index_of_a_late_frame_takes_no_time(tmp_path: Path) -> None:
    path = write(tmp_path / "index.pkl", pickle.dumps({"999999999": 1, "3": 2}))
    with within():
        assert read_person_index(path, None) == {999999999: 1, 3: 2}
        assert read_person_index(path, ["0003", "0004"]) == {0: 2}


@pytest.mark.parametrize("content", [{LONG: 1}, {"1": "x"}, {"1": None}, {"1": LONG}, {"1": 1e999}, [1], "x"])
def test_person_index_of_other_content_is_refused(tmp_path: Path, content: object) -> None:
    path = write(tmp_path / "index.pkl", pickle.dumps(content))
    if content == {LONG: 1}:  # a name without a number that can be read: no frame
        assert read_person_index(path, None) == {}
        return
    with pytest.raises(DataError, match=r"index\.pkl: found "):
        read_person_index(path, None)


def read_first(folder: Path, layout: str) -> None:
    raw = open_raw(folder, layout)
    raw.read(raw.keys[0])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
@pytest.mark.parametrize(("file", "layout"), [("a.json", "alphapose"), ("a.csv", "table"), ("a.npy", "numpy")])
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path, file: str, layout: str) -> None:
    os.mkfifo(tmp_path / file)
    (tmp_path / f"zero{Path(file).suffix}").symlink_to("/dev/zero")
    message = r"found a pipe or device, expected .*; copy its content into a file"
    with within(5), pytest.raises(DataError, match=message):
        read_first(tmp_path, layout)
    with pytest.raises(DataError, match="empty files: 2 of 2"):
        open_raw(tmp_path)
