"""Damaged files: a few for every reader, and all files that were found to break one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from skelgait.errors import DataError, SkelgaitError
from skelgait.preprocess.convert import convert_store
from skelgait.settings.layers import load_settings, parse_assignment
from skelgait.settings.protocol_file import read_protocol
from skelgait.storage import Key, PickleTreeWriter, open_any
from skelgait.storage.names import name_problem
from tests.fuzz.attempt import attempt
from tests.fuzz.mutations import mutate
from tests.fuzz.readers import READERS

TRIES = 12
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "20"))
CASES = sorted((Path(__file__).parent / "cases").glob("*/*"))


@pytest.mark.parametrize("name", READERS)
def test_sound_file_is_read_and_damaged_files_are_errors_of_the_file(tmp_path: Path, name: str) -> None:
    reader = READERS[name]
    path = reader.write(tmp_path)
    content = path.read_bytes()
    reader.read(path)
    finds = [attempt(path, mutate(content, seed), reader.read, seed) for seed in range(TRIES)]
    assert not list(filter(None, finds))


def test_other_errors_and_errors_without_the_file_are_finds(tmp_path: Path) -> None:
    def fail(error: Exception) -> object:
        raise error

    path = tmp_path / "a.pkl"
    refusal = DataError(path, "a", "b", "c")
    assert attempt(path, b"", lambda _: fail(refusal)) == ""
    assert attempt(path, b"", lambda _: fail(DataError("elsewhere", "a", "b", "c"))).startswith("error without file")
    assert attempt(path, b"", lambda _: fail(MemoryError())).startswith("MemoryError at outside of skelgait")


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_file_that_broke_a_reader_is_an_error_of_the_file(tmp_path: Path, case: Path) -> None:
    name = next(name for name in READERS if name.replace(":", "").replace(" ", "-") == case.parent.name)
    path = READERS[name].write(tmp_path)
    assert not attempt(path, case.read_bytes(), READERS[name].read)


def values() -> st.SearchStrategy[object]:
    names = st.sampled_from(
        ["train", "heatmap", "sampling", "name", "tables", "probe", "gallery", "metrics", "extends"]
    )
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | names
    return st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@settings(max_examples=EXAMPLES, deadline=None)
@given(values())
def test_any_content_of_settings_and_protocols_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: object
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.yaml"
    path.write_text(yaml.safe_dump(content))
    for read in (lambda: load_settings(file=path), lambda: read_protocol(path)):
        with suppress(SkelgaitError):
            read()


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=30))
def test_any_name_is_refused_or_written_and_read_back(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    if name_problem(name):
        return
    folder = tmp_path_factory.mktemp("any")
    key, poses = Key(name, name, name), np.ones((2, 17, 3), np.float32)
    PickleTreeWriter(folder / "tree").write(key, poses)
    convert_store(open_any(folder / "tree"), folder / "hdf5", "hdf5", workers=1)
    assert open_any(folder / "hdf5").keys == [key]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.text(max_size=30))
def test_any_assignment_is_read_or_refused(text: str) -> None:
    with suppress(SkelgaitError):
        parse_assignment(text)
