"""Large JSON files: streaming, and reading in parts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skelgait.errors import DataError
from skelgait.raw.poses import json_parts, json_stream, open_raw
from skelgait.raw.poses.json_stream import Item, iter_items, iter_spans, report_bytes
from skelgait.storage import Key
from tests.raw.poses import estimator_builders as estimators
from tests.raw.poses.dataset_builders import Walks, make_walks
from tests.raw.poses.estimator_builders import read_all

KEYS = (Key("001", "nm-01", "090"), Key("001", "nm-02", "000"), Key("002", "bg-01", "090"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=9,
)


def plain_items(content: object) -> list[Item]:
    """Return the items of decoded content with plain loops."""
    if isinstance(content, list):
        return [Item(None, value) for value in content]
    if not isinstance(content, dict):
        return [Item(None, content)]
    return [
        Item(key, item)
        for key, value in content.items()
        for item in (value if isinstance(value, list) else [value])
    ]  # fmt: skip


@given(content=VALUES, indent=st.sampled_from([None, 2]), chunk=st.integers(1, 40), ascii_only=st.booleans())
def test_items_equal_those_of_json_in_any_chunks(
    tmp_path_factory: pytest.TempPathFactory, content: object, indent: int | None, chunk: int, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.json"
    path.write_bytes(json.dumps(content, indent=indent, ensure_ascii=ascii_only).encode(errors="surrogatepass"))
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return  # lone surrogates are no UTF-8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK_BYTES", chunk)
        assert list(iter_items(path)) == plain_items(content)
        if isinstance(content, list) or (isinstance(content, dict) and content):
            for span, text in iter_spans(path):
                assert path.read_bytes()[span.start : span.end].decode("latin-1") == text
                json.loads(text.encode("latin-1"))


@pytest.mark.parametrize("text", ["", " ", "[", "[1,", "[1 2]", "{", '{"a"', '{"a": 1', '{"a": [1}', "[] 3", "[1]]"])
def test_damaged_text_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"a\.json: found (invalid JSON|an empty file)"):
        list(iter_items(path))


@pytest.mark.parametrize(
    ("build", "layout"), [(estimators.alphapose_images, "alphapose"), (estimators.coco, "coco")]
)  # fmt: skip
def test_large_file_gives_the_same_sequences(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, build: Callable[[Path, Walks], Path], layout: str
) -> None:
    path = build(tmp_path / "raw", make_walks(*KEYS))
    expected = read_all(path, layout)
    monkeypatch.setattr(json_parts, "LARGE_BYTES", 0)
    raw = open_raw(path, layout)
    assert all(location.spans for location in raw.locations.values())
    for key, sequence in read_all(path, layout).items():
        assert sequence.frame_names == expected[key].frame_names
        assert sequence.tracks == expected[key].tracks
        for people, other in zip(sequence.people, expected[key].people, strict=True):
            np.testing.assert_array_equal(people, other)


def test_bytes_of_a_file_are_reported_once(tmp_path: Path) -> None:
    path = estimators.alphapose_images(tmp_path / "raw", make_walks(*KEYS))
    reported: list[int] = []
    with report_bytes(reported.append):
        list(iter_items(path))
    assert sum(reported) == path.stat().st_size
