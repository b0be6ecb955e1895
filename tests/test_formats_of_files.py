"""Files of version 0.1.0 can be read; files of a newer format are refused with a hint."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.embeddings import open_embeddings
from skelgait.errors import DataError
from skelgait.reports.folder import read_report
from skelgait.reports.ranks_file import read_ranks
from skelgait.runs.read import find_runs
from skelgait.settings.run_settings import read_run_file, read_run_settings
from skelgait.storage import Key, open_source
from skelgait.storage.metadata import read_metadata
from tests.paths import DATA

FILES = DATA / "files_of_0_1_0"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FILES, tmp_path / "files"))


def test_embeddings_of_0_1_0_are_read() -> None:
    file = open_embeddings(FILES / "embeddings.h5")
    assert (file.embedding, file.facts.iteration, file.facts.drawn) == (2, 100, {"sigma": 8.0})
    assert file.keys[3] == Key("001", "nm-05", "090")
    np.testing.assert_array_equal(file.values[3], [[18, 0], [0, 2]])


def test_report_of_0_1_0_is_read() -> None:
    report = read_report(FILES / "report")
    assert (report["network"], report["tables"][0]["groups"][0]["metrics"]) == ("skeletongait", {"rank_1": 0.75})
    assert [ranks.group for ranks in read_ranks(FILES / "report" / "ranks.h5")] == ["Normal"] * 3


def test_run_of_0_1_0_is_read() -> None:
    assert read_run_settings(FILES / "run", 40)["train.optimizer.learning_rate"] == 0.1
    assert read_run_settings(FILES / "run", 50)["train.optimizer.learning_rate"] == 0.05


def test_maps_of_0_1_0_are_read() -> None:
    metadata = read_metadata(FILES / "maps")
    assert metadata
    assert (metadata.source, metadata.facts) == ("poses", {"joints": 17})
    maps = open_source(FILES / "maps", "map")
    np.testing.assert_array_equal(maps.read(maps.keys[0])[0].ravel(), np.arange(128))


def _set_json(path: Path, number: object) -> None:
    content = json.loads(path.read_text())
    content["format"] = number
    if number is None:
        del content["format"]
    path.write_text(json.dumps(content))


def _set_facts(path: Path, number: object) -> None:
    with h5py.File(path, "r+") as file:
        content = json.loads(file["facts"][()])
        del file["facts"]
        file["facts"] = np.bytes_(json.dumps({**content, "format": number}).encode())


def _set_attribute(path: Path, number: object) -> None:
    with h5py.File(path, "r+") as file:
        del file.attrs["format"]
        if number is not None:
            file.attrs["format"] = number


KINDS: dict[str, tuple[str, Callable[[Path, object], None], Callable[[Path], object]]] = {
    "embeddings": ("embeddings.h5", _set_facts, open_embeddings),
    "report": ("report/report.json", _set_json, lambda path: read_report(path.parent)),
    "run": ("run/run.json", _set_json, lambda path: read_run_file(path.parent)),
    "metadata": ("maps/skelgait.json", _set_json, lambda path: read_metadata(path.parent)),
    "store": ("maps/shard-00000.h5", _set_attribute, lambda path: open_source(path.parent, "map")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_newer_format_is_refused(files: Path, kind: str) -> None:
    name, change, read = KINDS[kind]
    change(files / name, 2)
    message = f"{files / name}: found format 2, of a newer skelgait, expected format 1 or older; "
    with pytest.raises(DataError, match=re.escape(message) + ".*pip install --upgrade skelgait"):
        read(files / name)


@pytest.mark.parametrize("kind", KINDS)
def test_file_without_format_is_read(files: Path, kind: str) -> None:
    name, change, read = KINDS[kind]
    change(files / name, None)
    assert read(files / name)


@pytest.mark.parametrize("number", ["1", 0, -3, True, 1.5])
def test_format_that_is_no_version_is_refused(files: Path, number: object) -> None:
    _set_json(files / "run" / "run.json", number)
    with pytest.raises(DataError, match=re.escape(f"found format {number!r}, expected a number from 1 to 1")):
        read_run_file(files / "run")


def test_run_of_a_newer_format_is_listed_with_its_problem(files: Path) -> None:
    _set_json(files / "run" / "run.json", 2)
    (run,) = find_runs(files, ["run"])
    assert not run.facts
    assert "of a newer skelgait" in run.problems[0]
