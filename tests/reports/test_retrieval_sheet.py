"""Picture of retrieval results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.evaluation.retrieval import Neighbor, Retrieved
from skelgait.reports import retrieval_sheet as sheets
from skelgait.reports.retrieval_sheet import fit_text, retrieval_sheet, save_retrieval_sheet
from skelgait.storage import Key, PickleTreeWriter, open_source

A, B, C = Key("a", "n", "000"), Key("b", "n", "000"), Key("c", "n", "000")
CORRECT, WRONG, PROBE = [70, 140, 0], [40, 30, 205], [120, 120, 120]
ROW = 30  # top of the first row, below the column headings
LEFTS = [10, 10 + sheets._WIDTH + 34, 20 + 2 * sheets._WIDTH + 34]  # left edges of the probe and of two neighbors


class Source:
    """Source of sequences in memory; `broken` keys raise when read."""

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
    """Return the color in the middle of a cell, below text in it, in one of its rows of frames."""
    y = ROW + 6 + row * 114 + 76
    return list(sheet[y, LEFTS[cell] + sheets._WIDTH // 2].tolist())


def test_no_probe_raises_data_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="found no probe, expected at least one probe"):
        save_retrieval_sheet(tmp_path / "s.png", [], None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, [245, 245, 245]),
        (Source(map=limbs_only(0)), [245, 245, 245]),  # a sequence without frames
        (Source(pose=np.zeros((7, 17, 3))), [245, 245, 245]),
        (Source(map=limbs_only(), broken=(A, B, C)), [245, 245, 245]),
        (Source(map=limbs_only()), [0, 127, 255]),  # limbs are orange
        (Source(map=limbs_only(1)), [255, 255, 255]),  # a single frame is at the left
        (Source(silhouette=np.full((7, 128, 88), 200, np.uint8)), [200, 200, 200]),
    ],
)
def test_available_modality_is_shown(source: Any, expected: list[int]) -> None:
    sheet = retrieval_sheet([retrieved((B, False))], source)
    assert [middle(sheet, 0), middle(sheet, 1)] == [expected, expected]


def test_unreadable_sequence_is_shown_as_text() -> None:
    for source in (Source(map=limbs_only(), broken=(B,)), Source(map=limbs_only())):
        key = B if source.broken else Key("x", "y", "z")
        sheet = retrieval_sheet([retrieved((key, False), (C, False))], source)  # type: ignore[arg-type]
        assert [middle(sheet, cell) for cell in range(3)] == [[0, 127, 255], [245, 245, 245], [0, 127, 255]]
        text = sheet[ROW + 6 : ROW + 6 + 112, LEFTS[1] + 6 : LEFTS[1] + sheets._WIDTH - 6]
        assert text.min() < 200  # dark pixels of text


def test_silhouettes_are_below_maps() -> None:
    source = Source(map=limbs_only(), silhouette=np.full((7, 64, 44), 200, np.uint8))
    sheet = retrieval_sheet([retrieved((B, True))], source)  # type: ignore[arg-type]
    assert [middle(sheet, 1), middle(sheet, 1, row=1)] == [[0, 127, 255], [200, 200, 200]]


def test_frames_are_evenly_spaced() -> None:
    maps = np.zeros((9, 2, 64, 64), np.uint8)
    maps[:, 0] = 20 * np.arange(9)[:, None, None]
    sheet = retrieval_sheet([retrieved()], Source(map=maps))  # type: ignore[arg-type]
    assert [sheet[ROW + 60, LEFTS[0] + 6 + 79 * i + 38, 2] for i in range(3)] == [20, 80, 140]


def test_correct_and_wrong_entries_differ_in_color_and_mark() -> None:
    sheet = retrieval_sheet([retrieved((A, True), (B, False))], None)
    assert [sheet[ROW + 3, left + 3].tolist() for left in LEFTS] == [PROBE, CORRECT, WRONG]
    top = ROW + 112 + 12
    marks = [sheet[top : top + 24, left + sheets._WIDTH - 24 : left + sheets._WIDTH] for left in LEFTS]
    probe, correct, wrong = (mark.min(2) < 128 for mark in marks)
    assert not probe.any()
    assert correct.any()
    # Only a cross has ink in the upper left corner of its box.
    for mark, has_ink in ((wrong, True), (correct, False)):
        top, left = (np.flatnonzero(mark.any(axis))[0] for axis in (1, 0))
        assert mark[top : top + 6, left : left + 6].any() == has_ink


def test_row_with_fewer_neighbors_is_shorter() -> None:
    rows = [retrieved((A, True), (B, False)), retrieved((B, False)), retrieved()]
    sheet = retrieval_sheet(rows, None)
    height = (len(sheet) - ROW) // 3
    frames = [[sheet[ROW + i * height + 3, left + 3].tolist() for left in LEFTS] for i in range(3)]
    white = [255, 255, 255]
    assert frames == [[PROBE, CORRECT, WRONG], [PROBE, WRONG, white], [PROBE, white, white]]


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("", 100, ""),
        ("nm-01", 100, "nm-01"),
        ("歩行\n\x00é", 100, "?????"),
        ("anything", 0, ".."),
    ],
)
def test_other_characters_than_ascii_become_question_marks(text: str, width: int, expected: str) -> None:
    assert fit_text(text, width) == expected


@pytest.mark.parametrize("width", [40, 100, 200])
def test_long_text_is_cut_to_its_width(width: int) -> None:
    text = fit_text("Wide_" * 40, width)
    assert text.endswith("..")
    assert text.startswith("Wi")
    assert width - 20 < cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.47, 1)[0][0] <= width


def test_long_names_stay_in_their_cells() -> None:
    long = Key("W" * 200, "M" * 200, "歩" * 200)
    sheet = retrieval_sheet([retrieved((long, True), (long, False), probe=long)], None)
    gaps = [slice(0, 10), slice(LEFTS[0] + sheets._WIDTH, LEFTS[1]), slice(LEFTS[1] + sheets._WIDTH, LEFTS[2])]
    for gap in gaps:
        assert (sheet[ROW:, gap] == 255).all()
    assert (sheet[:, LEFTS[2] + sheets._WIDTH :] == 255).all()


def test_saved_file_has_the_picture(tmp_path: Path) -> None:
    for key in (A, B):
        PickleTreeWriter(tmp_path / "maps").write(key, limbs_only())
    rows, source = [retrieved((B, False), (C, False))], open_source(tmp_path / "maps", "map")
    save_retrieval_sheet(tmp_path / "new" / "s.png", rows, source)
    sheet = retrieval_sheet(rows, source)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "s.png")), sheet)
    assert [middle(sheet, cell) for cell in range(3)] == [[0, 127, 255], [0, 127, 255], [245, 245, 245]]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.png"]
