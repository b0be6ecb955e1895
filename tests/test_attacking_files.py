"""Small files of skelgait and of datasets that attack: each is refused at once, with its name, in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skelgait.datasets.partition import load_partition
from skelgait.errors import SkelgaitError
from skelgait.preprocess.pairs.report import read_report as read_pair_report
from skelgait.reports.folder import read_report
from skelgait.settings.run_settings import read_run_file
from skelgait.storage.frame_names import read_frame_names
from skelgait.storage.metadata import read_metadata
from tests.limits import within

ATTACKS = {
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "long integer": b'{"format": ' + b"9" * 5000 + b"}",
    "other type": b"[3]",
    "not text": bytes(range(256)),
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "NUL": b"\0" * 100,
}
READERS: dict[str, Callable[[Path], object]] = {
    "partition.json": lambda folder: load_partition(folder / "partition.json"),
    "run.json": read_run_file,
    "report.json": read_report,
    "skelgait.json": read_metadata,
    "report.csv": read_pair_report,
    ".frame_names/001/nm-01/090/090.txt": lambda folder: read_frame_names(folder / "001/nm-01/090/090.pkl", 2),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("file", READERS)
def test_attack_is_refused_with_the_file_at_once(tmp_path: Path, file: str, attack: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ATTACKS[attack])
    with within(1), pytest.raises(SkelgaitError) as error:
        READERS[file](tmp_path)
    assert str(error.value).startswith(f"{path}: found ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600
