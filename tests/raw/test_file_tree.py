"""File search and natural sort order."""

from __future__ import annotations

from pathlib import Path

import pytest

from skelgait.errors import DataError
from skelgait.raw.file_tree import list_files, sample_files, walk_folders
from skelgait.raw.natural_sort import natural_sort


def fill(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["f10000", "f9999"], ["f9999", "f10000"]),
        (["b2", "a10", "a9", "a", "10", "9"], ["9", "10", "a", "a9", "a10", "b2"]),
        (["x2y10", "x2y9", "x10y1"], ["x2y9", "x2y10", "x10y1"]),
        (["01", "1", "001"], ["001", "01", "1"]),  # ties have a fixed order
    ],
)
def test_natural_sort(names: list[str], expected: list[str]) -> None:
    assert natural_sort(names) == natural_sort(reversed(names)) == expected


def test_walk_yields_folders_with_matching_files(tmp_path: Path) -> None:
    assert list(walk_folders(tmp_path, "*.txt")) == []
    fill(tmp_path, "b/2.txt", "b/10.TXT", "b/x.png", "a/c/1.txt", "a/.hidden.txt", ".git/1.txt", "d/x.png")
    (tmp_path / "e").symlink_to(tmp_path / "a" / "c")
    (tmp_path / "a" / "c" / "back").symlink_to(tmp_path / "a")
    folders = [(folder.parts, folder.names) for folder in walk_folders(tmp_path, "*.txt")]
    assert folders == [(("a", "c"), ["1.txt"]), (("b",), ["2.txt", "10.TXT"]), (("e",), ["1.txt"])]
    assert [path.name for path in list_files(tmp_path / "b", "*.txt")] == ["2.txt", "10.TXT"]
    assert list_files(tmp_path, "*.txt") == []


def test_sample_files_of_folder_and_file(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.txt", "a/2.png")
    assert [path.name for path in sample_files(tmp_path)] == ["1.txt", "2.png"]
    assert sample_files(tmp_path / "a" / "1.txt") == [tmp_path / "a" / "1.txt"]
    with pytest.raises(DataError, match="nowhere: found No such file or directory"):
        sample_files(tmp_path / "nowhere")
