"""CASIA-B table of GaitGraph."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelgait.errors import DataError
from skelgait.raw.poses import open_raw
from skelgait.storage import Key
from tests.raw.poses.dataset_builders import make_walks, person
from tests.raw.poses.estimator_builders import casia_b_csv, matching_layouts, read_all

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"), Key("002", "bg-01", "090"))
HEADER = "image_name," + ",".join("xyc" * 17)


def row(image: str, value: object = 1) -> str:
    if value == 1 or not isinstance(value, int):
        return image + f",{value}" * 51
    return ",".join([image, *map(str, person(value))])


def write(path: Path, *lines: str, end: str = "\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode(errors="surrogateescape"))
    return path


@pytest.mark.parametrize("lines", [(), (HEADER,), (HEADER, "", "")])
def test_header_without_rows_has_no_sequence(tmp_path: Path, lines: tuple[str, ...]) -> None:
    path = write(tmp_path / "a.csv", *lines)
    assert matching_layouts(tmp_path) == []
    for root in (path, tmp_path):
        with pytest.raises(DataError, match="found no sequence, expected sequences in the layout casia-b-csv"):
            open_raw(root, "casia-b-csv")


def test_all_joints_are_read_in_single_precision(tmp_path: Path) -> None:
    walks = make_walks(*KEYS)
    file = casia_b_csv(tmp_path, walks)
    assert matching_layouts(file) == matching_layouts(tmp_path) == ["casia-b-csv"]
    sequences = read_all(file, "casia-b-csv")
    assert list(sequences) == sorted(walks)
    for key, walk in walks.items():
        assert {people.dtype for people in sequences[key].people} == {np.dtype(np.float32)}
        np.testing.assert_array_equal(sequences[key].people, walk[:, None].astype(np.float32))
        assert sequences[key].tracks is None


@pytest.mark.parametrize("image", ["{}", "{}.jpg", "001-nm-01-090-{}.png"])
def test_frame_names_are_image_names(tmp_path: Path, image: str) -> None:
    rows = [row(f"p/001-nm-01-090/{image.format(n)}", n) for n in (10, 9, 100)]
    (sequence,) = read_all(write(tmp_path / "a.csv", HEADER, *rows), "casia-b-csv").values()
    assert sequence.frame_names == [image.format(n).removesuffix(".jpg").removesuffix(".png") for n in (9, 10, 100)]
    assert [people[0, 0, 0] for people in sequence.people] == [109, 110, 200]


def test_table_without_header_and_with_empty_rows_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", row("p/001-nm-01-090/1.jpg"), "", row("p/001-nm-01-090/2.jpg"), "", end="\r\n")
    assert matching_layouts(path) == ["casia-b-csv"]
    (sequence,) = read_all(path, "casia-b-csv").values()
    assert sequence.frame_names == ["1", "2"]


def test_quoted_comma_is_part_of_the_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, '"a, b/001-nm-01-090/1.jpg"' + ',"0.5"' * 51)
    ((key, sequence),) = read_all(path, "casia-b-csv").items()
    assert key == KEYS[0]
    assert sequence.people[0].tolist() == [[[0.5] * 3] * 17]


def test_two_rows_of_one_image_are_two_people(tmp_path: Path) -> None:
    rows = [row("p/001-nm-01-090/1.jpg", 1), row("p/001-nm-01-090/2.jpg", 2), row("p/001-nm-01-090/1.jpg", 3)]
    (sequence,) = read_all(write(tmp_path / "a.csv", HEADER, *rows), "casia-b-csv").values()
    assert [people[:, 0, 0].tolist() for people in sequence.people] == [[1, 103], [102]]


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=20), st.sampled_from(["\n", "\r\n"]))
def test_rows_of_mixed_sequences_are_all_read(
    tmp_path_factory: pytest.TempPathFactory, order: list[tuple[int, bool]], end: str
) -> None:
    rows = [row(f"p/00{walk}-nm-01-090/{n}.jpg", n) for n, (walk, _) in enumerate(order)]
    quoted = ['"' + line.replace(",", '","') + '"' if q else line for line, (_, q) in zip(rows, order, strict=True)]
    path = write(tmp_path_factory.mktemp("any") / "a.csv", HEADER, *quoted, end=end)
    sequences = read_all(path, "casia-b-csv")
    assert {int(key.identity): sequence.frame_names for key, sequence in sequences.items()} == {
        walk: [str(n) for n, (other, _) in enumerate(order) if other == walk] for walk, _ in order
    }
    for sequence in sequences.values():
        assert [
            str(int(people[0, 0, 0]) - 100 * (people[0, 0, 0] > 1)) for people in sequence.people
        ] == sequence.frame_names


@pytest.mark.parametrize(("value", "read"), [("nan", np.nan), ("1e39", np.inf), ("-1e400", -np.inf)])
def test_non_finite_values_are_kept(tmp_path: Path, value: str, read: float) -> None:
    (sequence,) = read_all(write(tmp_path / "a.csv", row("p/001-nm-01-090/1.jpg", value)), "casia-b-csv").values()
    np.testing.assert_array_equal(sequence.people[0], np.full((1, 17, 3), read, np.float32))


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["plain.jpg" + ",1" * 51], "no folder in the first column of row 3"),
        (["junk"], "no folder in the first column of row 3"),
        ([row("p/../1.jpg"), row("./1.jpg")], r"the path '\.'"),
        ([row("q/001-nm-01-090/1.jpg")], "001-nm-01-090 twice"),  # same name in another folder
        ([row("p/00\x002-nm-01-090/1.jpg")], "the path 'p/00"),
    ],
)
def test_invalid_table_is_an_error(tmp_path: Path, lines: list[str], found: str) -> None:
    path = write(tmp_path / "a.csv", HEADER, row("p/001-nm-01-090/1.jpg"), *lines)
    with pytest.raises(DataError, match=rf"found {found}"):
        open_raw(path, "casia-b-csv")


@pytest.mark.parametrize(
    "line",
    [
        "p/002-nm-01-090/1.jpg",
        "p/002-nm-01-090/1.jpg" + ",1" * 50,
        "p/002-nm-01-090/1.jpg" + ",a" * 51,
        "p/002-nm-01-090/1.jpg" + "," * 51,
        "p/002-nm-01-090/1.jpg" + ",1" * 51 + "\n" + "p/002-nm-01-090/2.jpg" + ",1" * 48,  # ragged
        '"p/002-nm-01-090/1.jpg' + ",1" * 51,  # an unclosed quote
        "p/002-nm-01-090/\udcff\udcfe.jpg" + ",1" * 51,
    ],
)
def test_damaged_row_affects_only_its_sequence(tmp_path: Path, line: str) -> None:
    raw = open_raw(write(tmp_path / "a.csv", HEADER, row("p/001-nm-01-090/1.jpg"), line), "casia-b-csv")
    assert len(raw.read(KEYS[0]).people) == 1
    (damaged,) = set(raw.keys) - {KEYS[0]}
    with pytest.raises(DataError, match=r"a\.csv: found"):
        raw.read(damaged)


def test_modified_table_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER, row("p/001-nm-01-090/1.jpg"), row("p/002-bg-01-090/1.jpg"))
    raw = open_raw(path, "casia-b-csv")
    assert len(raw.read(KEYS[2]).people) == 1
    write(path, HEADER, row("p/001-nm-01-090/1.jpg"))
    os.utime(path, ns=(10**18, 10**18))
    with pytest.raises(DataError, match="found that rows are missing now"):
        raw.read(KEYS[2])
    path.unlink()
    with pytest.raises(DataError, match="No such file"):
        raw.read(KEYS[0])
