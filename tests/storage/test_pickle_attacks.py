"""Pickles that attack: refused as a damaged file, without running, crashing, or taking memory or time."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.raw.poses.person_index import read_person_index
from skelgait.storage.arrays import read_pickled, read_pickled_array, read_pickled_header
from tests.limits import within
from tests.paths import ROOT
from tests.raw.poses.estimator_builders import read_all
from tests.storage.pickle_attacks import BOMBS, NUMPY, array, code, kind, name, pickled, short, text


def read_any(path: Path) -> object:
    return read_pickled(path, "one pickled numpy array")


READERS = (read_any, read_pickled_array, read_pickled_header)


def refuse(path: Path, content: bytes, found: str, readers: tuple[object, ...] = (read_any,)) -> None:
    path.write_bytes(content)
    for read in readers:
        with pytest.raises(DataError, match=rf"a\.pkl: found {re.escape(found)}.*, expected one pickled numpy array; "):
            read(path)


@pytest.mark.parametrize("name", NUMPY)
def test_numpy_is_never_called_with_what_a_file_says(tmp_path: Path, name: str) -> None:
    content, found = NUMPY[name]
    refuse(tmp_path / "a.pkl", pickled(content), found, READERS)


@pytest.mark.parametrize("name", code(""))
def test_code_is_refused_and_not_executed(tmp_path: Path, name: str) -> None:
    trace = tmp_path / "trace"
    content, found = code(f"touch {trace}")[name]
    refuse(tmp_path / "a.pkl", pickled(content), found, READERS)
    assert not trace.exists()


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_within_limits(tmp_path: Path, name: str) -> None:
    content, found = BOMBS[name]
    with within(seconds=5, megabytes=100):
        refuse(tmp_path / "a.pkl", pickled(content), found)


@pytest.mark.skipif(np.dtype("g").itemsize != 16, reason="long doubles are doubles here")
def test_keys_that_all_hash_alike_are_refused(tmp_path: Path) -> None:
    scalar = name("numpy._core.multiarray", "scalar") + kind("f16") + short((np.longdouble(2) ** 2000).tobytes())
    refuse(tmp_path / "a.pkl", pickled(b"}" + scalar + b"\x86RNs"), "a longdouble as a key")


def test_memory_is_a_small_multiple_of_the_file(tmp_path: Path) -> None:
    for content in (b"](" + b"N" * 100_000 + b"e", b"](" + b"]\x94" * 30_000 + b"e", b")" + b"\x85" * 50_000):
        (tmp_path / "a.pkl").write_bytes(pickled(content))
        tracemalloc.start()
        read_any(tmp_path / "a.pkl")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * len(content)


def test_cleared_flags_of_an_object_type_are_refused_by_the_command(tmp_path: Path) -> None:
    content, found = NUMPY["flags of an object type cleared, object called"]
    path = tmp_path / "walk.pkl"
    path.write_bytes(pickled(content))
    command = [sys.executable, "-m", "skelgait", "poses", path, "--layout", "pickles"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (result.returncode, found in result.stderr, "Traceback" in result.stderr) == (1, True, False), result.stderr


def nested(levels: int) -> bytes:
    """Return a pickle of nested lists."""
    return pickled(b"]" * levels + b"a" * (levels - 1))


@pytest.mark.parametrize("layout", ["pickles", "pyskl"])
@pytest.mark.parametrize("frame_dir", [b"]" * 50_000 + b"a" * 49_999, b")" + b"\x85" * 50_000, text("a" * 10**6)])
def test_hostile_annotations_are_an_error_of_the_file(tmp_path: Path, layout: str, frame_dir: bytes) -> None:
    path = tmp_path / "walks.pkl"
    keypoint = array(b"(K\x01K\x01K\x11K\x02t", kind("u1"), short(bytes(34)))
    path.write_bytes(pickled(b"]}" + text("frame_dir") + frame_dir + b"s" + text("keypoint") + keypoint + b"sa"))
    with pytest.raises(DataError, match=r"walks\.pkl: found"):
        read_all(path, layout)


@pytest.mark.parametrize("joints", [nested(50_000), pickled(b"]" + b"](" * 70 + b"K\x01" * 9 + b"e" * 70 + b"a")])
def test_nested_lists_are_no_joints(tmp_path: Path, joints: bytes) -> None:
    (tmp_path / "walk.pkl").write_bytes(joints)
    with pytest.raises(DataError, match=r"walk\.pkl: found joints that are not numbers"):
        read_all(tmp_path / "walk.pkl", "pickles")


def test_integers_beyond_all_frames_are_an_error_of_the_person_index(tmp_path: Path) -> None:
    path = tmp_path / "index.pkl"
    path.write_bytes(pickle.dumps({"0001": float("inf")}))
    with pytest.raises(DataError, match=r"index\.pkl: found an entry that is not a number"):
        read_person_index(path, None)
