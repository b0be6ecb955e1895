"""Maps and silhouettes joined by key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError
from skelgait.pairing import pair_sequences, write_pairs
from skelgait.storage import Key, PickleTreeWriter, SequenceSource, open_pairs, open_source
from skelgait.storage.parts import Index, write_part

A, B, C = Key("001", "nm-01", "000"), Key("001", "nm-01", "090"), Key("002", "nm-01", "000")


def trees(tmp_path: Path, maps: dict[Key, int], silhouettes: dict[Key, int]) -> tuple[SequenceSource, SequenceSource]:
    """Trees with the given numbers of frames; map frames hold 1, silhouettes 2."""
    for key, frames in maps.items():
        PickleTreeWriter(tmp_path / "maps").write(key, np.full((frames, 2, 64, 64), 1, np.uint8))
    for key, frames in silhouettes.items():
        PickleTreeWriter(tmp_path / "sils").write(key, np.full((frames, 64, 64), 2, np.uint8), "any name")
    return open_source(tmp_path / "maps", "map"), open_source(tmp_path / "sils", "silhouette")


def test_what_does_not_match_is_named(tmp_path: Path) -> None:
    pairing = pair_sequences(*trees(tmp_path, {A: 5, B: 5}, {A: 5, C: 5}))
    assert (pairing.pairs, pairing.maps_only, pairing.silhouettes_only) == ((A,), (B,), (C,))
    pairing = pair_sequences(*trees(tmp_path, {C: 6}, {B: 5}))
    assert (pairing.pairs, pairing.unequal) == ((A, B), ((C, 6, 5),))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5, B: 5}, {A: 5, B: 5})
    (tmp_path / "sils").joinpath(*A, "any name.pkl").write_bytes(b"junk")
    ((key, reason),) = pair_sequences(maps, silhouettes).unreadable
    assert key == A
    assert "any name.pkl: found" in reason


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


def test_a_wrong_link_is_mended(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    link = (tmp_path / "pairs").joinpath(*A, "1_sil.pkl")
    link.parent.mkdir(parents=True)
    link.symlink_to("nowhere")
    pairing = pair_sequences(maps, silhouettes)
    assert write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None) == 1
    assert link.samefile(tmp_path / "sils" / Path(*A) / "any name.pkl")


def test_a_file_in_the_way_stays(tmp_path: Path) -> None:
    maps, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    PickleTreeWriter(tmp_path / "pairs").write(A, np.zeros(1), "0_heatmap")
    with pytest.raises(DataError, match=r"0_heatmap\.pkl: found a file, expected nothing, or a link"):
        write_pairs(pair_sequences(maps, silhouettes), maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None)


def test_hdf5_cannot_be_linked_but_referred_to(tmp_path: Path) -> None:
    _, silhouettes = trees(tmp_path, {A: 5}, {A: 5})
    index, frames = Index([A], [0, 5], ["000"]), np.full((5, 2, 64, 64), 1, np.uint8)
    write_part(tmp_path / "part-00000.h5", index, [frames], "map", source="s", settings={})
    maps = open_source(tmp_path / "part-00000.h5", "map")
    pairing = pair_sequences(maps, silhouettes)
    with pytest.raises(SettingsError, match="use --storage hdf5"):
        write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern=None)
    write_pairs(pairing, maps, silhouettes, tmp_path / "pairs", silhouette_pattern="*.pkl")
    assert [len(array) for array in open_pairs(tmp_path / "pairs").read(A, lambda _: np.array([1, 3]))] == [2, 2]


@pytest.mark.parametrize(
    ("maps", "silhouettes", "found"),
    [
        ({A: 5}, {C: 5}, "no sequence that both have; maps have 001/nm-01/000, silhouettes have 002/nm-01/000"),
        ({A: 5}, {A: 6}, "no pair of equal length; 001/nm-01/000 has 5 maps and 6 silhouettes"),
    ],
)
def test_nothing_pairing_up_is_an_error(
    tmp_path: Path, maps: dict[Key, int], silhouettes: dict[Key, int], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        pair_sequences(*trees(tmp_path, maps, silhouettes))
