"""Identity, condition and view of paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.raw.keys import sequence_keys
from skelgait.storage import Key

ROOT = Path("/data/walks")


def keys(*paths: str, names: str | None = None, root: Path = ROOT) -> list[Key]:
    result = list(sequence_keys([tuple(part for part in path.split("/") if part) for path in paths], root, names))
    assert result == sorted(result)
    return result


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([""], [("walks", "00", "00")]),  # frames in the root
        (["anna"], [("anna", "00", "00")]),
        (["anna/bag"], [("anna", "bag", "00")]),
        (["0000/camid0_videoid2/seq0"], [("0000", "camid0_videoid2", "seq0")]),
        (["2D_Poses/0000/c/s", "2D_Poses/0001/c/s"], [("0000", "c", "s"), ("0001", "c", "s")]),
        (["x/0000/c/s", "x/0000/c/t"], [("0000", "c", "s"), ("0000", "c", "t")]),  # more than x is shared by all
        (["001-bg-01-090"], [("001", "bg-01", "090")]),
        (["frames/001-bg-01-090", "frames/002-nm-06-000"], [("001", "bg-01", "090"), ("002", "nm-06", "000")]),
        (["00001/015_01"], [("00001", "01", "015")]),  # poses of OU-MVLP
        (["Silhouette_015-01/00001"], [("00001", "01", "015")]),  # silhouettes of OU-MVLP
        (["alphapose/00001/015_01", "alphapose/00003/000_00"], [("00001", "01", "015"), ("00003", "00", "000")]),
    ],
)
def test_known_paths_are_recognized(paths: list[str], expected: list[tuple[str, str, str]]) -> None:
    assert keys(*paths) == [Key(*key) for key in expected]


def test_grew_gallery_is_numbered_in_sorted_order() -> None:
    paths = ["train/00001/zz", "test/gallery/00002/b9", "test/gallery/00002/b10", "test/probe/video7"]
    expected = [("00001train", "00", "zz"), ("00002", "01", "b10"), ("00002", "02", "b9"), ("probe", "03", "video7")]
    assert keys(*paths) == [Key(*key) for key in expected]
    assert keys(*(f"GREW/{path}" for path in paths)) == keys(*paths)
    assert keys("00001/zz", root=Path("/data/GREW/train")) == [Key("00001train", "00", "zz")]
    assert keys("video7", root=Path("/data/GREW/test/probe")) == [Key("probe", "03", "video7")]


@pytest.mark.parametrize(
    ("names", "path", "expected"),
    [
        ("{identity}", "anna", ("anna", "00", "00")),
        ("{identity}_{condition}", "anna_bag", ("anna", "bag", "00")),
        ("{view}/*/{identity}-{condition}", "cam1/2024/anna-bag", ("anna", "bag", "cam1")),
        ("{identity}/{identity}_{view}", "anna/anna_left", ("anna", "00", "left")),
        ("day*/{identity}.{condition}", "day12/anna.bag", ("anna", "bag", "00")),
    ],
)
def test_names_template_gives_keys(names: str, path: str, expected: tuple[str, str, str]) -> None:
    assert keys(path, names=names) == [Key(*expected)]


@pytest.mark.parametrize(
    ("paths", "names", "message"),
    [
        (
            ["a/b", "a/b/c"],
            None,
            r"found sequences at different depths, a/b and a/b/c, expected the same depth for all sequences",
        ),
        (["a/b/c/d", "e/b/c/d"], None, "found sequences 4 folders deep, such as a/b/c/d"),
        (["a/1", "a/2"], "{identity}/*", "found a/1 and a/2, both with the key a/00/00, expected each sequence once"),
    ],
)
def test_ambiguous_paths_are_an_error(paths: list[str], names: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        keys(*paths, names=names)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("{view}", r"--names: found \{view\}, expected a template with \{identity\}"),
        ("{identity}/x", r"--names: found \{identity\}/x, which does not match anna/bag in /data/walks"),
    ],
)
def test_wrong_names_template_is_an_error(names: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        keys("anna/bag", names=names)
