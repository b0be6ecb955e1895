"""`skelgait link --frame-offset`: report, warnings, repeated runs and refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.storage import Key, open_pairs
from tests.commands import cli_runner
from tests.preprocess.pairs.frame_sequences import named, write_maps, write_silhouettes
from tests.preprocess.pairs.numbered_walks import Walk, make_walks, write_walks

MATCH = ("--on-mismatch", "match-by-frame")
KEY = Key("1", "nm", "000")


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[Key, Walk]:
    return make_walks(tmp_path_factory.mktemp("walks"))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def link(*args: object) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of `skelgait link`."""
    result = cli_runner().invoke(app, ["link", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def numbers_in(pairs: Path) -> list[list[int]]:
    """Return the numbers of the paired frames, from their pixels."""
    return [[int(frame.max()) for frame in array] for array in open_pairs(pairs).read(KEY)]


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_auto_reports_the_offset_and_its_clarity(workspace: Path, walks: dict[Key, Walk], storage: str) -> None:
    other = next(key for key in walks if key.view == "054")
    write_walks(workspace, walks, lambda key: -2 if key == other else 1)
    flags = (*MATCH, "--frame-offset", "auto", "--storage", storage)
    code, out, err = link(*flags)
    assert code == 0
    clarity = "auto: 7 of 8 sequences agree, correlation 0."
    assert f"1 ({clarity}" in " ".join(out.split())
    assert f"Warning: {other}: best frame offset -2, not 1" in err
    rows = list(csv.DictReader((workspace / "pairs" / "report.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 16
    assert all(f"with 1 added to the frame numbers of the maps ({clarity}" in row["reason"] for row in rows)
    report = json.loads(link(*flags, "--json")[1])
    assert report["changed"] == 0
    assert report["frame_offset"]["value"] == 1
    assert report["frame_offset"]["votes"][str(other)] == -2
    assert max(report["frame_offset"]["correlations"], key=report["frame_offset"]["correlations"].get) == "1"
    maps, silhouettes = open_pairs(workspace / "pairs").read(next(key for key in walks if key != other))
    whole_maps, whole_silhouettes = walks[next(key for key in walks if key != other)]
    np.testing.assert_array_equal(maps, whole_maps[2:-3])
    np.testing.assert_array_equal(silhouettes, whole_silhouettes[2:-3])


@pytest.mark.parametrize("storage", ["pkl", "hdf5"])
def test_given_offset_is_added_to_the_maps(workspace: Path, storage: str) -> None:
    write_maps(workspace / "maps", KEY, [0, 1, 3, 4], named([0, 1, 3, 4]))
    write_silhouettes(workspace / "silhouettes", KEY, [1, 2, 3, 4], named([1, 2, 3, 4]))
    expected = {0: [[1, 3, 4], [1, 3, 4]], 1: [[0, 1, 3], [1, 2, 4]], -1: [[3, 4], [2, 3]], 4: [[0], [4]]}
    for offset in (0, 1, -1, 4, 1, 0):  # a changed offset rewrites the pairs
        code, out, _ = link(*MATCH, "--frame-offset", offset, "--storage", storage)
        assert code == 0
        assert numbers_in(workspace / "pairs") == expected[offset]
        assert ("frame offset" in out) == (offset != 0)
    assert "added to the frame" not in (workspace / "pairs" / "report.csv").read_text(encoding="utf-8")


def test_offset_pairs_all_frames_in_order(workspace: Path) -> None:
    write_maps(workspace / "maps", KEY, [0, 1, 2], named([0, 1, 2]))
    write_silhouettes(workspace / "silhouettes", KEY, [1, 2, 3], named([1, 2, 3]))
    (row,) = json.loads(link(*MATCH, "--frame-offset", 1, "--json")[1])["sequences"]
    assert (row["outcome"], row["paired"], row["reason"]) == ("paired", 3, "1 added to the frame numbers of the maps")
    assert (workspace / "pairs").joinpath(*KEY, "0_heatmap.pkl").is_symlink()
    # Equal names are no equal frames with another offset.
    write_silhouettes(workspace / "silhouettes", KEY, [0, 1, 2], named([0, 1, 2]))
    assert link(*MATCH, "--frame-offset", 1)[0] == 0
    assert numbers_in(workspace / "pairs") == [[0, 1], [1, 2]]


def test_no_common_frame_names_the_shifted_range(workspace: Path) -> None:
    write_maps(workspace / "maps", KEY, [0, 1], named([0, 1]))
    write_silhouettes(workspace / "silhouettes", KEY, [1, 2], named([1, 2]))
    assert "maps 5 to 6 after adding 5, silhouettes 1 to 2" in link(*MATCH, "--frame-offset", 5)[2]


def test_unclear_offset_writes_nothing(workspace: Path, walks: dict[Key, Walk]) -> None:
    write_walks(workspace, {key: walk for key, walk in walks.items() if key.view == "000"}, 1)
    code, _, err = link(*MATCH, "--frame-offset", "auto")
    assert code == 1
    assert "in 0 of 4 sequences, expected at least 5, over 20 frames or more" in err
    assert "--frame-offset 1 if maps count from 0 and silhouettes from 1" in err
    assert not (workspace / "pairs").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--frame-offset", "-1"), "--frame-offset -1: found --on-mismatch skip, expected match-by-frame"),
        (
            (*MATCH, "--frame-offset", "one"),
            "link.frame_offset: should be auto or a whole number, such as 1 (found 'one')",
        ),
        ((*MATCH, "--frame-offset", "0.5"), "should be auto or a whole number, such as 1 (found '0.5')"),
        ((*MATCH, "--set", "link.frame_offset=true"), "should be auto or a whole number, such as 1 (found True)"),
    ],
)
def test_invalid_offsets_are_refused(workspace: Path, flags: tuple[str, ...], message: str) -> None:
    write_maps(workspace / "maps", KEY, [0, 1], named([0, 1]))
    write_silhouettes(workspace / "silhouettes", KEY, [1, 2], named([1, 2]))
    code, _, err = link(*flags)
    assert code != 0
    assert message in " ".join(err.split())
    assert not (workspace / "pairs").exists()
