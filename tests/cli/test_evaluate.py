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


WITHOUT_DATASET = ("evaluate", "--embeddings", "gallery.h5", *CPU)
ALL_PEOPLE = "no --partition: all 4 people of gallery.h5 are evaluated"


def test_verification_of_embeddings_alone_compares_all_sequences(embedded: Path) -> None:
    code, out, err = call(*WITHOUT_DATASET, "--protocol", "verification", "--json")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert ALL_PEOPLE in report["notes"]
    assert report["protocol"] == "all sequences verification"
    (group,) = report["tables"][0]["groups"]
    # Four people with four sequences each.
    assert (group["n_probes"], group["n_gallery"]) == (16, 16)
    assert (group["roc"]["n_genuine"], group["roc"]["n_impostor"]) == (4 * 4 * 3, 16 * 12)
    assert group["intervals"]["eer"][0] <= group["metrics"]["eer"] <= group["intervals"]["eer"][1]


def test_open_set_of_embeddings_alone_is_written_and_drawn(embedded: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    flags = ("--protocol", "open-set", "--not-enrolled", 0.25, "--draws", 3, "--report", tmp_path / "r", "--pictures")
    code, out, err = call(*WITHOUT_DATASET, *flags)
    assert code == 0, err
    title = "Open set: 25 % of the people not enrolled, mean of 3 random enrollments"
    sentence = f"{title}, All: 3 of 4 people are enrolled each time, 12 searches for enrolled people and 4 for others"
    note = f"{title}: 4 searches for people who are not enrolled are too few, in All, for an FPIR of 1 % (at least 100)"
    assert sentence in " ".join(out.split())
    assert note in " ".join(err.split())
    assert ALL_PEOPLE in err
    assert {"open-set.png", "report.html"} < names_in(tmp_path / "r")
    assert sentence in (tmp_path / "r" / "report.html").read_text()
    report = json.loads((tmp_path / "r" / "report.json").read_text())
    (group,) = report["tables"][0]["groups"]
    assert group["metrics"]["fnir_at_fpir_0.01"] is None
    assert 0 < group["metrics"]["dir_at_fpir_1"] <= 1
    assert len(group["open_set"]["by_enrollment"]) == 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ("--protocol", "verification"),
            "--protocol verification: found no dataset, expected the probes and the gallery",
        ),
        (("--protocol", "open-set"), "or --embeddings"),
        (
            ("--protocol", "custom", *GROUPS, "--draws", 3),
            "only --protocol open-set has --not-enrolled and --draws: pass it, or leave them out",
        ),
        (("--protocol", "open-set", "--not-enrolled", 1), "evaluate.not_enrolled"),
        (("--protocol", "open-set", "--gallery", "nm-*"), "protocol open-set needs condition patterns"),
    ],
)
def test_incomplete_protocol_is_an_error(embedded: Path, flags: tuple[object, ...], message: str) -> None:
    code, out, err = call("evaluate", "--partition", "partition.json", "--checkpoint", "c.pt", *CPU, *flags)
    assert (code, out) == (1, "")
    assert message in err
