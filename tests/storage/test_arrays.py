"""Pickled arrays: reading, writing, and refusal of code."""

from __future__ import annotations

import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, ShapeError
from skelgait.storage.arrays import read_pickled_array, read_pickled_header, write_pickled_array
from skelgait.storage.checks import check_modality

FRAMES = np.arange(5 * 40 * 30, dtype=np.uint8).reshape(5, 40, 30)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 64, 64), np.uint8),  # empty
        FRAMES,
        np.asfortranarray(FRAMES),
        np.linspace(0, 1, 12).reshape(2, 2, 3),
        np.linspace(0, 1, 12, dtype=">f4"),  # other byte order
    ],
)
def test_arrays_of_every_pickle_protocol_are_read(tmp_path: Path, array: np.ndarray, protocol: int) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(array, protocol))
    np.testing.assert_array_equal(read_pickled_array(path), array)
    assert read_pickled_array(path).dtype == array.dtype.newbyteorder("=")
    assert read_pickled_header(path).shape == array.shape


def test_arrays_pickled_by_numpy_1_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(FRAMES, 2).replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray"))
    np.testing.assert_array_equal(read_pickled_array(path), FRAMES)


# (np.arange(6, dtype="f4") * -1.37).reshape(1, 2, 3), pickled with protocols 0, 1 and 2 by Python 2.7 and numpy 1.16.
_PYTHON_2_PICKLES = (
    b"cnumpy.core.multiarray\n_reconstruct\np1\n(cnumpy\nndarray\np2\n(I0\ntS'b'\ntRp3\n(I1\n(I1\nI2\nI3\ntcnumpy\n"
    b"dtype\np4\n(S'f4'\nI0\nI1\ntRp5\n(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS'\\x00\\x00\\x00\\x80)\\\\\\xaf\\xbf)\\\\/\\xc0"
    b"\\x1f\\x85\\x83\\xc0)\\\\\\xaf\\xc033\\xdb\\xc0'\ntb.",
    b"cnumpy.core.multiarray\n_reconstruct\nq\x01(cnumpy\nndarray\nq\x02(K\x00tU\x01btRq\x03(K\x01(K\x01K\x02K\x03tcnumpy\n"
    b"dtype\nq\x04(U\x02f4K\x00K\x01tRq\x05(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbI00\nU\x18\x00\x00\x00"
    b"\x80)\\\xaf\xbf)\\/\xc0\x1f\x85\x83\xc0)\\\xaf\xc033\xdb\xc0tb.",
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87Rq\x03(K\x01K\x01K\x02K"
    b"\x03\x87cnumpy\ndtype\nq\x04U\x02f4K\x00K\x01\x87Rq\x05(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
    b"\x18\x00\x00\x00\x80)\\\xaf\xbf)\\/\xc0\x1f\x85\x83\xc0)\\\xaf\xc033\xdb\xc0tb.",
)


@pytest.mark.parametrize("content", _PYTHON_2_PICKLES)
def test_arrays_pickled_by_python_2_are_read(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    array = read_pickled_array(path)
    assert array.dtype == np.float32
    assert array.tolist() == [[[float(np.float32(-1.37) * np.float32(3 * i + j)) for j in range(3)] for i in range(2)]]
    assert read_pickled_header(path).shape == (1, 2, 3)


def test_code_in_a_python_2_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pkl", tmp_path / "trace"
    path.write_bytes(b"cposix\nsystem\n(S'touch %s'\ntR." % os.fsencode(trace))
    with pytest.raises(DataError, match=r"evil\.pkl: found the object posix\.system"):
        read_pickled_array(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    "array", [FRAMES, np.zeros((0, 64, 64), np.uint8), np.asfortranarray(FRAMES), np.linspace(0, 1, 9, dtype=">f4")]
)
@pytest.mark.filterwarnings("error")
def test_written_array_is_a_plain_pickle(tmp_path: Path, array: np.ndarray) -> None:
    path = tmp_path / "new" / "folder" / "a.pkl"
    write_pickled_array(path, array)
    loaded = pickle.loads(path.read_bytes())  # as OpenGait reads it
    np.testing.assert_array_equal(loaded, array)
    assert loaded.dtype == pickle.loads(pickle.dumps(array, protocol=4)).dtype
    assert [p.name for p in path.parent.iterdir()] == ["a.pkl"]


def test_written_array_has_only_names_that_numpy_1_has_too(tmp_path: Path) -> None:
    write_pickled_array(tmp_path / "a.pkl", FRAMES)
    opcodes = list(pickletools.genops((tmp_path / "a.pkl").read_bytes()))
    names = {name for opcode, name, _ in opcodes if "GLOBAL" in opcode.name}
    assert names == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    assert max(opcode.proto for opcode, _, _ in opcodes) == 4


class _Exploit:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("read", [read_pickled_array, read_pickled_header])
def test_code_in_a_pickle_is_refused_and_not_executed(tmp_path: Path, read: object) -> None:
    path, trace = tmp_path / "evil.pkl", tmp_path / "trace"
    path.write_bytes(pickle.dumps(_Exploit(f"touch {trace}")))
    with pytest.raises(DataError, match=r"evil\.pkl: found the object posix\.system, expected one pickled numpy array"):
        read(path)  # type: ignore[operator]
    assert not trace.exists()


@pytest.mark.parametrize("read", [read_pickled_array, read_pickled_header])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "Ran out of input"),
        (pickle.dumps(FRAMES)[:-100], "pickle data was truncated"),
        (pickle.dumps([1, 2]), "a list"),
        (pickle.dumps(np.array([1, "a", None], object)), "an array of type object"),  # ragged frames
        (pickle.dumps(np.array(["a"])), "an array of type <U1"),
    ],
)
def test_other_content_is_refused(tmp_path: Path, content: bytes, found: str, read: object) -> None:
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"a.pkl: found .*{found}"):
        read(path)  # type: ignore[operator]


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pkl: found No such file"):
        read_pickled_array(tmp_path / "none.pkl")


def test_failed_write_leaves_existing_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="a file that can be written"):
        write_pickled_array(tmp_path / "file" / "a.pkl", FRAMES)
    assert (tmp_path / "file").read_text() == "in the way"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.uint16])
@pytest.mark.parametrize("shape", [(0, 17, 3), (5, 18, 3), (5, 51), (5, 53)])
def test_poses_may_have_any_numeric_type(shape: tuple[int, ...], dtype: type) -> None:
    poses: np.ndarray = np.zeros(shape, dtype)
    assert check_modality(poses, "pose", Path("a.pkl")) is poses


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((5, 64, 64), np.uint8), "like silhouettes"),
        (np.zeros((5, 2, 64, 64), np.uint8), "like skeleton maps"),
        (np.zeros((5, 85)), "like SMPL parameters"),
        (np.zeros((5, 17, 3), bool), r"found an array \(5, 17, 3\) of bool"),
    ],
)
def test_other_arrays_are_refused_as_poses(array: np.ndarray, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        check_modality(array, "pose", Path("a.pkl"))
