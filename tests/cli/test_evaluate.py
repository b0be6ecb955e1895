"""`skelgait evaluate` on an embedding file: report folder and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.embedded import CPU, GROUPS, call

EVALUATE = ("evaluate", "--embeddings", "gallery.h5", "--partition", "partition.json", *CPU, *GROUPS)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_no_report_without_a_folder(embedded: Path) -> None:
    before = names_in(embedded)
    code, out, err = call(*EVALUATE)
    assert (code, err) == (0, "")
    assert "Report" not in out
    assert names_in(embedded) == before


def test_report_that_cannot_be_written_is_refused(embedded: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = call(*EVALUATE, "--report", tmp_path / "file")
    assert (code, out) == (1, "")
    assert "Error: " in err
    assert "found a file, expected a folder for the report; choose another one with --report" in err


def test_pictures_need_a_folder(embedded: Path) -> None:
    code, _, err = call(*EVALUATE, "--pictures")
    assert code == 1
    assert "--pictures: found no --report, expected --report with a folder; add --report FOLDER" in err


def test_pictures_of_an_earlier_report_are_removed(embedded: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    metrics = {"report.json", "report.csv", "report.md", "ranks.h5"}
    assert call(*EVALUATE, "--report", tmp_path / "r", "--pictures")[0] == 0
    drawn = names_in(tmp_path / "r") - metrics
    assert {"cmc.png", "views-1.png", "report.html"} < drawn
    (tmp_path / "r" / "mine.png").write_text("")
    assert call(*EVALUATE, "--report", tmp_path / "r")[0] == 0
    assert names_in(tmp_path / "r") == metrics | {"mine.png"}


def test_verification_prints_eer_and_tar(embedded: Path) -> None:
    code, out, err = call(*EVALUATE, "--protocol", "verification", "--json")
    assert (code, err) == (0, "")
    (table,) = json.loads(out)["tables"]
    for group in table["groups"]:
        assert 0 <= group["metrics"]["eer"] <= 1
        assert group["roc"]["n_genuine"] > 0
