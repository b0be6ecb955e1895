"""Contact sheet of sequences."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from skelgait.viz.contact_sheet import Strip, contact_sheet, save_sheet


@pytest.mark.parametrize(("with_silhouettes", "cells"), [(False, 3), (True, 4)])
def test_sheet_has_a_column_per_picture_of_a_frame(tmp_path: Path, with_silhouettes: bool, cells: int) -> None:
    maps = np.zeros((7, 2, 64, 64), np.uint8)
    maps[:, 0, 20:40, 20:40] = 255  # limbs only
    silhouettes = np.full((7, 64, 64), 255, np.uint8) if with_silhouettes else None
    strips = [Strip("one", maps, silhouettes), Strip("two", maps, silhouettes)]
    sheet = contact_sheet(strips, frames=2)
    assert sheet.shape == (2 * (24 + 132), 2 * cells * 132, 3)
    assert sheet[24 + 60, 60].tolist() == [63, 127, 255]  # limbs are orange
    assert sheet[24 + 60, 132 + 60].tolist() == [0, 0, 0]  # no joints
    save_sheet(tmp_path / "new" / "s.png", strips, frames=2)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "new" / "s.png")), sheet)
