"""Pairing and writing of maps and silhouettes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.preprocess.pairs import SequencePairing, pair_sequences, write_pairs
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_pairs, open_source
from skelgait.storage.shards import ShardIndex, write_shard
from tests.locked import locked

A, B, C = Key("001", "nm-01", "000"), Key("001", "nm-01", "090"), Key("002", "nm-01", "000")


def trees(tmp_path: Path, maps: dict[Key, int], silhouettes: dict[Key, int]) -> tuple[SequenceSource, SequenceSource]:
    """Write trees with the given numbers of frames; maps are filled with 1, silhouettes with 2."""
    for key, frames in maps.items():
        PickleTreeWriter(tmp_path / "maps").write(key, np.full((frames, 2, 64, 64), 1, np.uint8))
    for key, frames in silhouettes.items():
        PickleTreeWriter(tmp_path / "sils").write(key, np.full((frames, 64, 64), 2, np.uint8), "any name")
    return open_source(tmp_path / "maps", "map"), open_source(tmp_path / "sils", "silhouette")


def test_unpaired_sequences_are_reported(tmp_path: Path) -> None:
    pairing = pair_sequences(*trees(tmp_path, {A: 5, B: 5}, {A: 5, C: 5}))
    assert pairing.pairs == (A,)
    assert pairing.with_outcome("no silhouettes") == (SequencePairing(B, "no silhouettes", maps=5),)
    assert pairing.with_outcome("no maps") == (SequencePairing(C, "no maps", silhouettes=5),)
    pairing = pair_sequences(*trees(tmp_path, {C: 6}, {B: 5}))
    assert pairing.pairs == (A, B)
    (unequal,) = pairing.with_outcome("unequal")
    assert (unequal.key, unequal.maps, unequal.silhouettes, unequal.paired) == (C, 6, 5, 0)
    assert unequal.reason.startswith("6 maps but 5 silhouettes; use --on-mismatch match-by-frame or trim")


def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5, B: 5}, {A: 5, B: 5})
    (tmp_path / "sils").joinpath(*A, "any name.pkl").write_bytes(b"junk")
    (unreadable,) = pair_sequences(maps, silhouettes).with_outcome("unreadable")
    assert unreadable.key == A
    assert "any name.pkl: found" in unreadable.reason


@pytest.mark.parametrize("pattern", [None, "*.pkl"])
def test_pairs_are_read_back_and_written_once(tmp_path: Path, pattern: str | None) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5, B: 4}, {A: 5, B: 4})
    pairing, out = pair_sequences(maps, silhouettes), tmp_path / "out put"
    assert write_pairs(pairing, maps, silhouettes, out, silhouette_pattern=pattern) == 2
    before = {path: path.lstat().st_mtime_ns for path in out.rglob("*.pkl")}
    assert write_pairs(pairing, maps, silhouettes, out, silhouette_pattern=pattern) == 0
    assert before == {path: path.lstat().st_mtime_ns for path in out.rglob("*.pkl")}
    pairs = open_pairs(out)
    assert list(pairs.keys) == [A, B]
    read = pairs.read(B)
    assert [array.shape for array in read] == [(4, 2, 64, 64), (4, 64, 64)]
    assert [int(array.max()) for array in read] == [1, 2]
    assert pairs.length(A) == 5


def test_links_survive_a_move_of_the_workspace(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path / "here", {A: 5}, {A: 5})
    write_pairs(
        pair_sequences(maps, silhouettes), maps, silhouettes, tmp_path / "here" / "pairs", silhouette_pattern=None
    )
    (tmp_path / "here").rename(tmp_path / "there")
    assert len(open_pairs(tmp_path / "there" / "pairs").read(A)[0]) == 5


def test_wrong_link_is_replaced(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    link = (tmp_path / "pairs").joinpath(*A, "1_sil.pkl")
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    pairing = pair_sequences(maps, silhouettes)
    assert write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None) == 1
    assert link.samefile(tmp_path / "sils" / Path(*A) / "any name.pkl")


def test_existing_file_is_not_replaced(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    PickleTreeWriter(tmp_path / "pairs").write(A, np.zeros(1), "0_heatmap")
    with pytest.raises(DataError, match=r"0_heatmap\.pkl: found a file, expected no file, or a link"):
        write_pairs(pair_sequences(maps, silhouettes), maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None)


def test_report_keeps_unusual_names(tmp_path: Path) -> None:
    key = Key('a,"b"', " ;", "歩\u3000")
    sources, out = trees(tmp_path, {key: 6, A: 5}, {key: 5, A: 5}), tmp_path / "pairs"
    pairing = pair_sequences(*sources, on_mismatch="trim")
    assert write_pairs(pairing, *sources, out, silhouette_pattern=None) == 2
    assert write_pairs(pairing, *sources, out, silhouette_pattern=None) == 0
    assert [len(array) for array in open_pairs(out).read(key)] == [5, 5]


def test_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    sources, out = trees(tmp_path, {A: 5}, {A: 5}), tmp_path / "pairs"
    out.mkdir()
    with locked(out), pytest.raises(DataError, match="writing here, expected one writer at a time; pass --wait"):
        write_pairs(pair_sequences(*sources), *sources, out, silhouette_pattern=None)
    assert not list(out.iterdir())


def test_hdf5_needs_a_pair_file(tmp_path: Path) -> None:
    _, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    index, frames = ShardIndex([A], [0, 5], ["000"]), np.full((5, 2, 64, 64), 1, np.uint8)
    write_shard(tmp_path / "shard-00000.h5", index, [frames], "map", source="s", settings={})
    maps = open_source(tmp_path / "shard-00000.h5", "map")
    pairing = pair_sequences(maps, silhouettes)
    with pytest.raises(SettingsError, match="use --storage hdf5"):
        write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None)
    write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern="*.pkl")
    assert [len(array) for array in open_pairs(tmp_path / "pairs").read(A, lambda _: np.array([1, 3]))] == [2, 2]


@pytest.mark.parametrize(
    ("maps", "silhouettes", "found"),
    [
        ({A: 5}, {C: 5}, "no common sequence; maps have 001/nm-01/000, silhouettes have 002/nm-01/000"),
        ({A: 5}, {A: 6}, "no pair; 001/nm-01/000: 5 maps but 6 silhouettes"),
    ],
)
@pytest.mark.parametrize("pattern", [None, "*.pkl"])
def test_no_pair_is_an_error_with_a_report(
    tmp_path: Path, maps: dict[Key, int], silhouettes: dict[Key, int], found: str, pattern: str | None
) -> None:
    sources, out = trees(tmp_path, maps, silhouettes), tmp_path / "pairs"
    with pytest.raises(DataError, match=rf"{found}.*see .*report\.csv for all sequences"):
        write_pairs(pair_sequences(*sources), *sources, out, silhouette_pattern=pattern)
    assert [path.name for path in out.iterdir()] == ["report.csv"]


@pytest.mark.parametrize("pattern", [None, "*.pkl"])
def test_no_pair_keeps_earlier_pairs(tmp_path: Path, pattern: str | None) -> None:
    sources, out = trees(tmp_path, {A: 5}, {A: 5}), tmp_path / "pairs"
    write_pairs(pair_sequences(*sources), *sources, out, silhouette_pattern=pattern)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    others = trees(tmp_path / "others", {A: 5}, {B: 5})
    with pytest.raises(DataError, match="no common sequence"):
        write_pairs(pair_sequences(*others), *others, out, silhouette_pattern=pattern)
    assert before == {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("first", "second"), [(None, "*.pkl"), ("*.pkl", None)])
def test_tree_and_pair_file_are_not_mixed(tmp_path: Path, first: str | None, second: str | None) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    pairing, out = pair_sequences(maps, silhouettes), tmp_path / "pairs"
    write_pairs(pairing, maps, silhouettes, out, silhouette_pattern=first)
    with pytest.raises(DataError, match=r"found (a tree of pairs|pairs in an HDF5 file)"):
        write_pairs(pairing, maps, silhouettes, out, silhouette_pattern=second)


@pytest.mark.parametrize("pattern", [None, "*.pkl"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        b"\xff\x00",
        b'identity,condition,view,outcome,maps,silhouettes,paired,reason\n001,nm,0,paired,1,1,1,"x',
        b"identity,condition,view,outcome,maps,silhouettes,paired,reason\n..,..,sils,trimmed,1,1,1,\n",
        b"identity,condition,view,outcome,maps,silhouettes,paired,reason\n001,nm/..,0,trimmed,1,1,1,\n",
        b"identity,condition,view,outcome,maps,silhouettes,paired,reason\n001,nm,0,gone,1,1,1,\n",
    ],
)
def test_other_file_named_as_the_report_is_kept(tmp_path: Path, content: bytes, pattern: str | None) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "report.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"report\.csv: found another or a damaged file"):
        write_pairs(
            pair_sequences(maps, silhouettes), maps, silhouettes, tmp_path / "pairs", silhouette_pattern=pattern
        )
    assert [path.read_bytes() for path in (tmp_path / "pairs").rglob("*")] == [content]


@pytest.mark.parametrize(
    ("map_file", "silhouette_file", "pairs"),
    [
        ("000", "14-sync-000-Camera-Sils_aligned", True),  # no rate in the name
        ("03-000-Camera-Pose", "06-000-Camera-Sils_aligned", True),
        ("11-sync-000-Camera-Pose", "14-sync-000-Camera-Sils_aligned", True),
        ("03-000-Camera-Pose", "14-sync-000-Camera-Sils_aligned", False),
        ("11-sync-000-Camera-Pose", "06-000-Camera-Sils_aligned", False),
    ],
)
def test_different_rates_of_sustech1k_are_refused(
    tmp_path: Path, map_file: str, silhouette_file: str, pairs: bool
) -> None:
    PickleTreeWriter(tmp_path / "maps").write(A, np.zeros((5, 2, 64, 64), np.uint8), map_file)
    PickleTreeWriter(tmp_path / "sils").write(A, np.zeros((5, 64, 64), np.uint8), silhouette_file)
    sources = open_source(tmp_path / "maps", "map"), open_source(tmp_path / "sils", "silhouette")
    if pairs:
        assert pair_sequences(*sources).pairs == (A,)
    else:
        with pytest.raises(DataError, match="which has another frame rate than the maps"):
            pair_sequences(*sources)
