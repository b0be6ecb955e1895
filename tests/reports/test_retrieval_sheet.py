"""The picture of what is retrieved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.evaluation.retrieval import Neighbor, Retrieved
from skelgait.reports import retrieval_sheet as sheets
from skelgait.reports.retrieval_sheet import fitting, retrieval_sheet, save_retrieval_sheet
from skelgait.storage import Key, PickleTreeWriter, open_source

A, B, C = Key("a", "n", "000"), Key("b", "n", "000"), Key("c", "n", "000")
RIGHT, WRONG, PROBE = [70, 140, 0], [40, 30, 205], [120, 120, 120]
ROW = 30  # below the names of the columns
LEFTS = [10, 10 + sheets._WIDTH + 34, 20 + 2 * sheets._WIDTH + 34]  # of the probe and two neighbors


class Source:
    """Sequences in memory; those of `broken` cannot be read."""

    def __init__(self, broken: tuple[Key, ...] = (), **arrays: Any) -> None:
        self.path, self.keys, self.broken = Path("memory"), [A, B, C], broken
        self.modalities = tuple(arrays)
        self._arrays = arrays

    def read(self, key: Key, choose: Any) -> tuple[Any, ...]:
        if key in self.broken:
            raise DataError("file", "nothing", "something", "look")
        length = len(next(iter(self._arrays.values())))
        return tuple(array[choose(length)] for array in self._arrays.values())


def retrieved(*nearest: tuple[Key, bool], probe: Key = A) -> Retrieved:
    return Retrieved(probe, tuple(Neighbor(key, 1.5, is_right) for key, is_right in nearest))


def limbs_only(frames: int = 7) -> Any:
    maps = np.zeros((frames, 2, 64, 64), np.uint8)
    maps[:, 0] = 255
    return maps


def middle(sheet: Any, cell: int, row: int = 0) -> list[int]:
    """The color in the middle of a cell's pictures, or of a lower row of them."""
    y = ROW + 6 + row * 114 + 56
    return list(sheet[y, LEFTS[cell] + sheets._WIDTH // 2].tolist())


def test_no_probe_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no probe, expected at least one"):
        save_retrieval_sheet(tmp_path / "s.png", [], None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, [245, 245, 245]),
        (Source(map=limbs_only(0)), [245, 245, 245]),  # a sequence of no frame
        (Source(pose=np.zeros((7, 17, 3))), [245, 245, 245]),
        (Source(map=limbs_only(), broken=(A, B, C)), [245, 245, 245]),
        (Source(map=limbs_only()), [0, 127, 255]),  # limbs are orange
        (Source(map=limbs_only(1)), [255, 255, 255]),  # one frame stands at the left
        (Source(silhouette=np.full((7, 128, 88), 200, np.uint8)), [200, 200, 200]),
    ],
)
def test_what_is_at_hand_is_shown(source: Any, expected: list[int]) -> None:
    sheet = retrieval_sheet([retrieved((B, False))], source)
    assert [middle(sheet, 0), middle(sheet, 1)] == [expected, expected]


def test_text_stands_for_a_sequence_alone_that_cannot_be_read() -> None:
    for source in (Source(map=limbs_only(), broken=(B,)), Source(map=limbs_only())):
        key = B if source.broken else Key("x", "y", "z")
        sheet = retrieval_sheet([retrieved((key, False), (C, False))], source)  # type: ignore[arg-type]
        assert [middle(sheet, cell) for cell in range(3)] == [[0, 127, 255], [245, 245, 245], [0, 127, 255]]
        says = sheet[ROW + 6 : ROW + 6 + 112, LEFTS[1] + 6 : LEFTS[1] + sheets._WIDTH - 6]
        assert says.min() < 200  # something is written there


def test_silhouettes_stand_below_maps() -> None:
    source = Source(map=limbs_only(), silhouette=np.full((7, 64, 44), 200, np.uint8))
    sheet = retrieval_sheet([retrieved((B, True))], source)  # type: ignore[arg-type]
    assert [middle(sheet, 1), middle(sheet, 1, row=1)] == [[0, 127, 255], [200, 200, 200]]


def test_frames_are_evenly_spaced() -> None:
    maps = np.zeros((9, 2, 64, 64), np.uint8)
    maps[:, 0] = 20 * np.arange(9)[:, None, None]
    sheet = retrieval_sheet([retrieved()], Source(map=maps))  # type: ignore[arg-type]
    assert [sheet[ROW + 60, LEFTS[0] + 6 + 79 * i + 38, 2] for i in range(3)] == [20, 80, 140]


def test_right_and_wrong_are_told_apart_by_color_and_by_mark() -> None:
    sheet = retrieval_sheet([retrieved((A, True), (B, False))], None)
    assert [sheet[ROW + 3, left + 3].tolist() for left in LEFTS] == [PROBE, RIGHT, WRONG]
    top = ROW + 112 + 12
    marks = [sheet[top : top + 24, left + sheets._WIDTH - 24 : left + sheets._WIDTH] for left in LEFTS]
    probe, right, wrong = (mark.min(2) < 128 for mark in marks)
    assert not probe.any()
    assert right.any()
    # A cross begins at the upper left corner of its box, where a tick leaves it empty.
    for mark, begins_there in ((wrong, True), (right, False)):
        top, left = (np.flatnonzero(mark.any(axis))[0] for axis in (1, 0))
        assert mark[top : top + 6, left : left + 6].any() == begins_there


def test_a_row_with_fewer_neighbors_ends_early() -> None:
    rows = [retrieved((A, True), (B, False)), retrieved((B, False)), retrieved()]
    sheet = retrieval_sheet(rows, None)
    height = (len(sheet) - ROW) // 3
    frames = [[sheet[ROW + i * height + 3, left + 3].tolist() for left in LEFTS] for i in range(3)]
    white = [255, 255, 255]
    assert frames == [[PROBE, RIGHT, WRONG], [PROBE, WRONG, white], [PROBE, white, white]]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 100, ""),
        ("nm-01", 100, "nm-01"),
        ("歩行\n\x00é", 100, "?????"),
        ("anything", 0, ".."),
    ],
)
def test_text_that_opencv_can_draw(text: str, width: int, expected: str) -> None:
    assert fitting(text, width) == expected


@pytest.mark.parametrize("width", [40, 100, 200])
def test_long_text_is_cut_to_its_width(width: int) -> None:
    found = fitting("Wide_" * 40, width)
    assert found.endswith("..")
    assert found.startswith("Wi")
    assert width - 20 < cv2.getTextSize(found, cv2.FONT_HERSHEY_SIMPLEX, 0.47, 1)[0][0] <= width


def test_long_names_stay_in_their_cells() -> None:
    long = Key("W" * 200, "M" * 200, "歩" * 200)
    sheet = retrieval_sheet([retrieved((long, True), (long, False), probe=long)], None)
    gaps = [slice(0, 10), slice(LEFTS[0] + sheets._WIDTH, LEFTS[1]), slice(LEFTS[1] + sheets._WIDTH, LEFTS[2])]
    for gap in gaps:
        assert (sheet[ROW:, gap] == 255).all()
    assert (sheet[:, LEFTS[2] + sheets._WIDTH :] == 255).all()


def test_a_file_holds_the_picture_of_a_tree(tmp_path: Path) -> None:
    for key in (A, B):
        PickleTreeWriter(tmp_path / "maps").write(key, limbs_only())
    rows, source = [retrieved((B, False), (C, False))], open_source(tmp_path / "maps", "map")
    save_retrieval_sheet(tmp_path / "new" / "s.png", rows, source)
    sheet = retrieval_sheet(rows, source)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "s.png")), sheet)
    assert [middle(sheet, cell) for cell in range(3)] == [[0, 127, 255], [0, 127, 255], [245, 245, 245]]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.png"]
