"""Gallery files: written and read back, readable as embeddings, and refused if damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.embeddings import open_embeddings
from skelgait.embeddings.gallery import (
    GalleryRows,
    GalleryThreshold,
    Origin,
    open_gallery,
    read_threshold,
    write_gallery,
)
from skelgait.errors import DataError
from tests.embeddings.test_file import FACTS, embedded, keys_for
from tests.embeddings.test_file import write as write_file
from tests.full_disk import full_disk

THRESHOLD = GalleryThreshold(1.5, "euclidean", 2, 0.01, 0.0, 10, "2026-01-01T00:00:00+00:00")


def rows_of(count: int, seed: int = 0) -> GalleryRows:
    values = embedded(count, seed)
    origins = [Origin(f"/walks/J\u00fcrgen \u6b69/{i}", f"{i:064x}", "/c.pt", "2026-01-01") for i in range(count)]
    keys = [key._replace(condition=f"nm-{seed}") for key in keys_for(count)]
    return GalleryRows(
        keys, list(range(count)), origins, values.embedding_1.swapaxes(1, 2), values.embedding_2.swapaxes(1, 2)
    )


def test_written_gallery_is_read_back_and_is_an_embedding_file(tmp_path: Path) -> None:
    groups = [rows_of(3, 1), rows_of(0, 2), rows_of(700, 3)]
    write_gallery(tmp_path / "g.h5", FACTS, groups, THRESHOLD)
    found, file = open_gallery(tmp_path / "g.h5"), open_embeddings(tmp_path / "g.h5", 1)
    assert (found.facts, found.threshold, read_threshold(tmp_path / "g.h5")) == (FACTS, THRESHOLD, THRESHOLD)
    for name in ("keys", "frames", "origins"):
        assert list(getattr(found.rows, name)) == [item for group in groups for item in getattr(group, name)]
    for name in ("embedding_1", "embedding_2"):
        expected = np.concatenate([getattr(group, name) for group in groups])
        np.testing.assert_array_equal(getattr(found.rows, name)[:], expected)
    assert list(file.keys) == list(found.rows.keys)
    np.testing.assert_array_equal(file.values[:], found.rows.embedding_1[:])


def test_selected_rows_replace_the_file_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    write_gallery(path, FACTS, [rows_of(9)], THRESHOLD)
    expected, indices = rows_of(9), np.array([7, 2, 3])
    write_gallery(path, FACTS, [open_gallery(path).rows.select(indices)])
    found = open_gallery(path)
    assert (list(found.rows.keys), found.threshold) == ([expected.keys[i] for i in indices], None)
    assert list(found.rows.origins) == [expected.origins[i] for i in indices]
    np.testing.assert_array_equal(found.rows.embedding_2[:], expected.embedding_2[indices])


def test_embedding_file_is_a_gallery_of_unknown_origin(tmp_path: Path) -> None:
    write_file(tmp_path / "e.h5")
    found = open_gallery(tmp_path / "e.h5")
    assert found.rows.origins == [Origin(source="/a/maps", checkpoint="/a/c.pt")] * 10
    assert found.threshold is None


def test_empty_gallery_keeps_its_network(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    write_gallery(path, FACTS, [rows_of(0)])
    found = open_gallery(path)
    assert (list(found.rows.keys), found.facts, found.rows.embedding_1.shape) == ([], FACTS, (0, 6, 4))
    write_gallery(path, FACTS, [found.rows, rows_of(2)])
    assert open_gallery(path).rows.keys == rows_of(2).keys


def test_missing_gallery_has_a_hint(tmp_path: Path) -> None:
    message = f"{tmp_path}/g.h5: found no such file, expected a gallery; .*`skelgait enroll PATH --name NAME --gallery"
    with pytest.raises(DataError, match=message):
        open_gallery(tmp_path / "g.h5")


def test_full_disk_keeps_the_old_gallery(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    write_gallery(path, FACTS, [rows_of(3)], THRESHOLD)
    before = path.read_bytes()
    with full_disk(100_000), pytest.raises(DataError, match="File too large"):
        write_gallery(path, FACTS, [open_gallery(path).rows, rows_of(2000, 1)])
    assert [file.name for file in tmp_path.iterdir()] == ["g.h5"]
    assert path.read_bytes() == before


def test_damaged_row_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "g.h5"
    write_gallery(path, FACTS, [rows_of(9)])
    with h5py.File(path, "r+") as file:
        file["embedding_1"][4, 0, 0] += 1
    before = path.read_bytes()
    with pytest.raises(DataError, match="values that differ from their checksum"):
        write_gallery(path, FACTS, [open_gallery(path).rows])
    assert path.read_bytes() == before


def _replaced(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(content: h5py.File) -> None:
        del content[name]
        if value is not None:
            content.create_dataset(name, data=value)

    return change


def _threshold(**values: object) -> Callable[[h5py.File], None]:
    fields = {**vars(THRESHOLD), **values}
    return _replaced("threshold", np.array([json.dumps(fields).encode()]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_replaced("sources", None), "sources"),
        (_replaced("sha256", np.array([b"a"] * 4)), "sha256 of shape (4,) and type |S1 for 5 keys"),
        (_replaced("enrolled", np.arange(5)), "enrolled of shape (5,) and type int64"),
        (_replaced("checkpoints", np.array([[b"a"]] * 5)), "checkpoints of shape (5, 1)"),
        (_replaced("threshold", np.array([b"{"])), "Expecting property name"),
        (_replaced("threshold", np.array([b"[1]"])), "value None in the threshold"),
        # RecursionError before Python 3.14, an end of the text there.
        (_replaced("threshold", np.array([b"[" * 50_000])), "no gallery ("),
        (_replaced("threshold", np.arange(1)), "threshold of shape (1,) and type int64"),
        (_threshold(value="near"), "value 'near' in the threshold"),
        (_threshold(value=float("nan")), "value nan in the threshold"),
        (_threshold(n_impostors=True), "n_impostors True in the threshold"),
        (_threshold(distance=3), "distance 3 in the threshold"),
    ],
)
def test_damaged_gallery_is_an_error(tmp_path: Path, change: Callable[[h5py.File], None], found: str) -> None:
    path = tmp_path / "g.h5"
    write_gallery(path, FACTS, [rows_of(5)], THRESHOLD)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(DataError, match=re.escape(f"{path}: found no gallery (")) as caught:
        open_gallery(path)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


def test_path_that_is_not_utf8_is_kept(tmp_path: Path) -> None:
    rows = replace(rows_of(1), origins=[Origin(source="/a/\udcff")])
    write_gallery(tmp_path / "g.h5", FACTS, [rows])
    assert open_gallery(tmp_path / "g.h5").rows.origins == rows.origins
