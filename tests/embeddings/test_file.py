"""Embedding files: writing, reading by row, and one-line errors for other files."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.embeddings import EmbeddingFacts, open_embeddings, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.embeddings.file import holds_embeddings
from skelgait.errors import CheckpointError, DataError
from skelgait.storage import Key
from tests.full_disk import full_disk

STRIPS, WIDTH = 4, 6
FACTS = EmbeddingFacts(
    network="skeletongait", iteration=7, checkpoint="/a/c.pt", checkpoint_sha256="ab" * 32, test_embedding=2,
    source="/a/maps", max_frames=5, precision="float32", settings={"batch_size": 1}, drawn={"sigma_px": 8.0},
)  # fmt: skip


def keys_for(count: int) -> list[Key]:
    return [Key(f"{n // 2:03d}", "nm-\u00e4", str(n % 2)) for n in range(count)]


def embedded(count: int, seed: int = 0) -> EmbeddingChunk:
    rng = np.random.default_rng(seed)
    first, second = (rng.standard_normal((count, STRIPS, WIDTH)).astype(np.float32) for _ in range(2))
    return EmbeddingChunk(np.arange(count), first, second)


def in_parts(whole: EmbeddingChunk, size: int, seed: int = 0) -> Iterator[EmbeddingChunk]:
    """Parts in any order, as several processes bring them together."""
    order = np.random.default_rng(seed).permutation(len(whole.indices))
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        yield EmbeddingChunk(whole.indices[rows], whole.embedding_1[rows], whole.embedding_2[rows])


def write(path: Path, count: int = 10, facts: EmbeddingFacts = FACTS) -> EmbeddingChunk:
    whole = embedded(count)
    write_embeddings(path, keys_for(count), range(count), in_parts(whole, 3), facts)
    return whole


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "e.h5")
    return tmp_path / "e.h5"


@pytest.mark.parametrize("size", [1, 3, 10])
def test_written_embeddings_are_read_back(tmp_path: Path, size: int) -> None:
    whole = embedded(10)
    write_embeddings(tmp_path / "deep" / "e.h5", keys_for(10), range(10), in_parts(whole, size), FACTS)
    for asked, embedding, values in ((None, 2, whole.embedding_2), (1, 1, whole.embedding_1)):
        found = open_embeddings(tmp_path / "deep" / "e.h5", asked)
        assert (found.embedding, found.facts, found.keys) == (embedding, FACTS, keys_for(10))
        assert found.values.shape == (10, WIDTH, STRIPS)
        assert found.frames.tolist() == list(range(10))
        np.testing.assert_array_equal(found.values[:], values.transpose(0, 2, 1))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["e.h5"]
    assert holds_embeddings(tmp_path / "deep" / "e.h5")


def test_h5py_alone_reads_it(file: Path) -> None:
    with h5py.File(file) as content:
        assert [b"/".join(key).decode() for key in content["keys"][:].tolist()] == list(map(str, keys_for(10)))
        np.testing.assert_array_equal(content["embedding_1"][:], embedded(10).embedding_1)
        facts = json.loads(content["facts"][()])
        assert facts["made_by"].startswith("skelgait ")
        assert facts["settings"] == {"batch_size": 1}


def test_same_content_gives_same_bytes(file: Path, tmp_path: Path) -> None:
    write(tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == file.read_bytes()


ROWS = [
    slice(0, 0), slice(10, 20), np.array([], int),  # nothing
    slice(None), slice(2, 5), slice(-3, None), slice(1, 8, 3), slice(8, 1, -2),
    np.array([4]), np.array([0, 1, 2]), np.array([9, 0, 5, 5]), np.array([3, 2, 1]), np.array([-1, 0]),
]  # fmt: skip


@pytest.mark.parametrize("rows", ROWS, ids=str)
def test_rows_are_indexed_like_an_array(file: Path, rows: slice) -> None:
    expected = embedded(10).embedding_2.transpose(0, 2, 1)
    found = open_embeddings(file)
    np.testing.assert_array_equal(found.values[rows], expected[rows])
    positions = [8, 1, 2, 3, 7]
    selection = found.select([found.keys[place] for place in positions])
    assert selection.values.shape == (5, WIDTH, STRIPS)
    if isinstance(rows, slice) or (not len(rows) or rows.max() < 5):
        np.testing.assert_array_equal(selection.values[rows], expected[positions][rows])


@pytest.mark.parametrize("selection", [None, [8, 1, 2, 3, 7]])
def test_values_behave_as_an_array(file: Path, selection: list[int] | None) -> None:
    found, expected = open_embeddings(file), embedded(10).embedding_2.transpose(0, 2, 1)
    values = found.values
    if selection is not None:
        values, expected = found.select([found.keys[i] for i in selection]).values, expected[selection]
    assert len(values) == len(expected)
    assert values.shape == expected.shape
    np.testing.assert_array_equal(np.asarray(values), expected)
    np.testing.assert_array_equal(values.numpy(), expected)
    np.testing.assert_array_equal(np.asarray(values, np.float64), expected.astype(np.float64))
    np.testing.assert_array_equal(values[-2], expected[-2])
    assert [tuple(row.shape) for row in values] == [(WIDTH, STRIPS)] * len(expected)
    with pytest.raises(IndexError):
        values[len(expected)]


def test_truncated_sequences_of_a_selection_are_counted(file: Path) -> None:
    found = open_embeddings(file)
    # Sequence n has n frames, and 5 of them are used.
    assert found.select(found.keys).n_truncated == 4
    assert found.select(found.keys[3:7]).n_truncated == 1
    assert found.select([]).n_truncated == 0


def test_changing_rows_does_not_change_the_file(file: Path) -> None:
    before = file.read_bytes()
    open_embeddings(file).values[2:4].fill(0)
    assert file.read_bytes() == before


def test_rows_are_mapped_only_while_used(tmp_path: Path) -> None:
    count, strips, width = 512, 16, 256
    values = np.zeros((count, strips, width), np.float32)
    write_embeddings(
        tmp_path / "e.h5", keys_for(count), [1] * count, [EmbeddingChunk(np.arange(count), values, values)], FACTS
    )
    row_bytes = values[0].nbytes
    maps = Path("/proc/self/maps")
    open_embeddings(tmp_path / "e.h5").values[:1]  # imports modules, whose memory does not count
    tracemalloc.start()
    file = open_embeddings(tmp_path / "e.h5")
    for start in range(0, count, 8):
        file.values[start : start + 8]
        file.values[np.array([start, count - 1])]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * row_bytes, "of 512 rows"
    if maps.exists():
        assert "e.h5" not in maps.read_text()


def test_rows_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    whole = embedded(10)
    whole.embedding_2[6, 0, 0] = np.nan
    whole.embedding_2[8, 3, 2] = np.inf
    write_embeddings(tmp_path / "e.h5", keys_for(10), range(10), [whole], FACTS)
    values = open_embeddings(tmp_path / "e.h5").values
    for rows in (slice(None), np.array([9, 6, 8])):
        with pytest.raises(CheckpointError, match=r"e.h5: found NaN or infinity in 2 embeddings, first in 003/nm-ä/0"):
            values[rows]
    with pytest.raises(CheckpointError, match=r"found NaN or infinity in 1 embedding, first in 004/nm-ä/0"):
        values[7:]
    assert np.isfinite(values[:6]).all()
    assert np.isfinite(open_embeddings(tmp_path / "e.h5", 1).values[:]).all()


def test_finite_values_with_overflowing_sum_are_read(tmp_path: Path) -> None:
    whole = embedded(4)
    whole.embedding_2[:] = 3e38
    write_embeddings(tmp_path / "e.h5", keys_for(4), range(4), [whole], FACTS)
    assert np.isfinite(open_embeddings(tmp_path / "e.h5").values[:]).all()


def test_full_disk_raises_data_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    write(tmp_path / "e.h5")
    before = (tmp_path / "e.h5").read_bytes()
    whole = embedded(2000)
    with full_disk(100_000), pytest.raises(DataError, match=r"e.h5: found File too large, expected a file that can be"):
        write_embeddings(tmp_path / "e.h5", keys_for(2000), range(2000), in_parts(whole, 100), FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["e.h5"]
    assert (tmp_path / "e.h5").read_bytes() == before


def test_error_while_writing_keeps_the_old_file(file: Path) -> None:
    def parts() -> Iterator[EmbeddingChunk]:
        yield next(in_parts(embedded(10), 3))
        raise CheckpointError("x", "y", "z", "w")

    before = file.read_bytes()
    with pytest.raises(CheckpointError):
        write_embeddings(file, keys_for(10), range(10), parts(), FACTS)
    assert file.read_bytes() == before
    assert len(list(file.parent.iterdir())) == 1


def _replaced(name: str, value: object, **more: object) -> Callable[[h5py.File], None]:
    def change(content: h5py.File) -> None:
        del content[name]
        content.create_dataset(name, data=value, **more)

    return change


def _with(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(content: h5py.File) -> None:
        facts = {**json.loads(content["facts"][()]), name: value}
        _replaced("facts", np.bytes_(json.dumps(facts).encode()))(content)

    return change


def _without(name: str) -> Callable[[h5py.File], None]:
    return lambda content: content.__delitem__(name)


def _sparse(content: h5py.File) -> None:
    """More rows than any file holds, none of them written."""
    del content["embedding_2"]
    content.create_dataset("embedding_2", (10, 2**20, 2**24), np.float32)


def _a_group(content: h5py.File) -> None:
    del content["embedding_2"]
    content.create_group("embedding_2")


VALUES = embedded(10).embedding_2
KEYS = np.array([[cell.encode() for cell in key] for key in keys_for(10)])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (_without("keys"), "keys"),
        (_without("frames"), "frames"),
        (_without("embedding_2"), "embedding_2"),
        (_without("facts"), "facts"),
        (_replaced("facts", np.bytes_(b"[1]")), "network None among the facts"),
        (_replaced("facts", np.bytes_(b"{")), "Expecting property name"),
        # RecursionError before Python 3.14, an end of the text there.
        (_replaced("facts", np.bytes_(b"[" * 50_000)), "no embeddings ("),
        (_replaced("facts", np.arange(3)), "facts of shape (3,) and type int64"),
        (_replaced("embedding_2", VALUES.astype(np.float64)), "of shape (10, 4, 6) and type float64 for 10 keys"),
        (_replaced("embedding_2", VALUES.astype(">f4")), "type >f4"),
        (_replaced("embedding_2", VALUES[:, 0]), "of shape (10, 6)"),
        (_replaced("embedding_2", VALUES[:7]), "of shape (7, 4, 6) and type float32 for 10 keys"),
        (_replaced("embedding_2", VALUES, chunks=(2, 4, 6)), "is not contiguous"),
        (_replaced("embedding_2", VALUES, compression="gzip"), "is not contiguous"),
        (_a_group, "no embeddings ("),
        (_replaced("keys", KEYS[:9]), "for 9 keys"),
        (_replaced("keys", KEYS[:, :2]), "keys of shape (10, 2)"),
        (_replaced("keys", KEYS[[0] * 10]), "a repeated sequence"),
        (_replaced("keys", np.full((10, 3), b"..")), "the name ..,"),
        (_replaced("keys", np.full((10, 3), b"\xff")), "codec can't decode"),
        (_replaced("keys", np.arange(30).reshape(10, 3)), "keys of shape (10, 3) and type int64"),
        (_replaced("frames", np.arange(9)), "frames of shape (9,)"),
        (_replaced("frames", np.arange(10) - 3), "-3 frames of "),
        (_replaced("frames", KEYS[:, 0]), "frames of shape (10,) and type |S"),
        (_with("test_embedding", 3), "test_embedding 3"),
        (_with("max_frames", "many"), "max_frames 'many'"),
        (_with("iteration", "last"), "iteration 'last'"),
        (_with("network", 5), "network 5"),
        (_with("checkpoint", [0, 1]), "checkpoint [0, 1]"),
        (_with("drawn", [1]), "drawn [1]"),
        (_with("max_frames", None), "max_frames None"),
        (_with("settings", 5), "settings 5"),
    ],
)
def test_damaged_file_is_an_error(file: Path, change: Callable[[h5py.File], None], found: str) -> None:
    with h5py.File(file, "r+") as content:
        change(content)
    with pytest.raises(DataError) as caught:
        open_embeddings(file)
    assert str(caught.value).startswith(f"{file}: found no embeddings (")
    assert found in str(caught.value)
    assert str(caught.value).endswith(", expected an embedding file; make one with `skelgait embed`")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "where", "found"),
    [
        (_replaced("facts", "text of any length"), "/facts", "text of variable length"),
        (_sparse, "/embedding_2", "a table (10, 1048576, 16777216) of "),
    ],
)
def test_file_of_other_tables_is_refused(
    file: Path, change: Callable[[h5py.File], None], where: str, found: str
) -> None:
    with h5py.File(file, "r+") as content:
        change(content)
    message = re.escape(f"{file}: {where}: found {found}") + ".*, expected plain tables with all data in this file"
    with pytest.raises(DataError, match=message):
        open_embeddings(file)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda _: None, "found No such file or directory, expected"),
        (lambda path: path.mkdir(), "found Is a directory, expected"),
        (lambda path: path.write_bytes(b""), "no embeddings ("),
        (lambda path: path.write_bytes(b"# A text\n" * 1000), "no embeddings ("),
        (lambda path: h5py.File(path, "w").close(), "no embeddings ("),
        (lambda path: (write(path), path.write_bytes(path.read_bytes()[:4000])), "truncated"),
        (lambda path: (write(path), path.write_bytes(path.read_bytes()[:50])), "no embeddings ("),
    ],
)
def test_other_file_is_an_error(tmp_path: Path, make: Callable[[Path], object], found: str) -> None:
    path = tmp_path / "e.h5"
    make(path)
    assert not holds_embeddings(path)
    with pytest.raises(DataError) as caught:
        open_embeddings(path)
    assert found in str(caught.value)
    assert "\n" not in str(caught.value)


def test_file_truncated_while_open_is_an_error(file: Path) -> None:
    found = open_embeddings(file)
    file.write_bytes(file.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"e\.h5: found "):
        found.values[:]


def test_file_without_sequences_is_an_error(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "e.h5", [], [], [], FACTS)
    with pytest.raises(DataError, match=r"no embeddings"):
        open_embeddings(tmp_path / "e.h5")


def test_facts_may_have_any_characters(tmp_path: Path) -> None:
    facts = replace(FACTS, source="/d/\u6b69\u304d", drawn={"note": "\u00e9" * 40_000})
    write(tmp_path / "e.h5", facts=facts)
    assert open_embeddings(tmp_path / "e.h5").facts == facts
