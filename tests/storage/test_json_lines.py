"""Files with one JSON object per line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from skelgait.errors import DataError
from skelgait.storage.json_lines import read_json_lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),  # no file
        ("", []),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}\n{"a": 2', [{"a": 1}]),  # cut off by a kill
        ('{"a": 1}\n{"a{"a": 2}\n{"a": 3}\n', [{"a": 1}, {"a": 3}]),  # and then continued
        ('\n3\n[1]\nnull\n{"a": 1}', [{"a": 1}]),  # no objects; the last line without its end
        ("[" * 100_000 + '\n{"a": 1}\n', [{"a": 1}]),
        ('{"a": "\u2028"}\n', [{"a": "\u2028"}]),  # a line break for str.splitlines
    ],
)
def test_damaged_lines_are_skipped(tmp_path: Path, text: str | None, expected: list[Any]) -> None:
    if text is not None:
        (tmp_path / "lines").write_text(text, encoding="utf-8")
    assert read_json_lines(tmp_path / "lines") == expected


def test_damaged_lines_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"a": 1}\n\xff\xfe\n{"a"\n\n\0\0\0\n{"a": 2}\n{"a":')
    assert read_json_lines(path) == [{"a": 1}, {"a": 2}]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: found 3 damaged lines, and skipped them; restore the file to have them"
    ]


def test_folder_instead_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="expected a file of JSON lines"):
        read_json_lines(tmp_path)
