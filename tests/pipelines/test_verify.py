"""`inspect --verify`: every changed byte that alters a value is found; damaged sequences are named."""

from __future__ import annotations

import json
import os
import pickle
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, SkelgaitError
from skelgait.pipelines.verify import verify_path
from skelgait.storage import PickleTree, PickleTreeWriter, open_any
from skelgait.storage.metadata import METADATA_FILE, DatasetMetadata, read_metadata, write_metadata
from skelgait.storage.pair_file import PairedSources, PairFile, write_pair_file
from tests.commands import run_command, skelgait
from tests.paths import DATA
from tests.storage.hdf5_files import FRAMES, KEYS, KINDS, maps_of, read_maps, write_maps

OLD_FILES = DATA / "files_of_0_1_0"
N_CHANGES = 100


def write_tree(root: Path) -> None:
    write_metadata(root, DatasetMetadata("poses", {"sigma": 8.0}, facts={"joints": 17}))
    for key in KEYS:
        names = [f"frame{t:03d}" for t in range(FRAMES)]
        PickleTreeWriter(root).write(key, maps_of(key), modified_ns=10**18, frame_names=names)


def read_tree(root: Path) -> object:
    tree = open_any(root)
    sequences = [(key, tree.read(key), tree.frame_names(key), tree.length(key)) for key in tree.keys]
    return [read_metadata(root), sequences]


def _change(path: Path, at: int, value: int = 1) -> None:
    """Change one byte of a file, and keep its time."""
    status, content = path.stat(), bytearray(path.read_bytes())
    content[at] ^= value
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _is_found(read: Callable[[Path], object], path: Path, before: object) -> bool:
    """Return True if a change is found on reading or by verification; otherwise all values must be as before."""
    try:
        content = read(path)
    except SkelgaitError:
        return True
    try:
        damaged = verify_path(path).damaged
    except DataError:  # the sources of the pairs do not exist
        damaged = []
    if not damaged:
        np.testing.assert_equal(content, before)
        return False
    return True


@pytest.mark.parametrize("kind", [*KINDS, "gzip maps", "pickle tree"])
def test_every_changed_byte_that_alters_a_value_is_found(tmp_path: Path, kind: str) -> None:
    if kind == "pickle tree":
        path, read = tmp_path / "tree", read_tree
        write_tree(path)
    else:
        path = tmp_path / ("pairs.h5" if kind == "pairs" else "file.h5")
        read = KINDS[kind].read if kind in KINDS else read_maps
        KINDS[kind].write(path) if kind in KINDS else write_maps(path, "gzip")
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    rng, before = random.Random(16), read(path)
    sizes = [file.stat().st_size for file in files]
    found = 0
    for _ in range(N_CHANGES):
        file = rng.choices(files, sizes)[0]
        at, value = rng.randrange(file.stat().st_size), rng.randrange(1, 256)
        _change(file, at, value)
        found += _is_found(read, path, before)
        _change(file, at, value)
    assert found >= N_CHANGES * 0.9


def test_undamaged_data_have_checksums(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree")
    write_maps(tmp_path / "store" / "shard-00000.h5", "none")
    KINDS["embeddings"].write(tmp_path / "e.h5")
    for name, items in {"tree": 5, "store": 5, "e.h5": 8}.items():
        result = verify_path(tmp_path / name)
        assert (result.items, result.damaged) == (items, [])
        assert result.without_sums == 0


@pytest.mark.parametrize("compression", ["lz4hc", "none"])
def test_damaged_sequences_of_a_store_are_named(tmp_path: Path, compression: str) -> None:
    shard = tmp_path / "shard-00000.h5"
    write_maps(shard, compression)
    content = shard.read_bytes()
    at = content.index(maps_of(KEYS[2]).tobytes()) + 500 if compression == "none" else len(content) // 2
    _change(shard, at)
    problems = verify_path(tmp_path).damaged
    keys = KEYS[2:3] if compression == "none" else [key for key in KEYS if any(str(key) in text for text in problems)]
    assert 1 <= len(problems) == len(keys) <= 2  # small sequences share HDF5 chunks
    for key, problem in zip(keys, problems, strict=True):
        assert problem.startswith(f"{shard}: {key}: found a damaged file (")
        assert "from their checksum" in problem


def test_store_with_an_unreadable_shard_names_the_shard_and_verifies_the_others(tmp_path: Path) -> None:
    write_maps(tmp_path / "shard-00000.h5")
    (tmp_path / "shard-00001.h5").write_bytes(b"no HDF5")
    result = verify_path(tmp_path)
    assert [problem.split(": found")[0] for problem in result.damaged] == [str(tmp_path / "shard-00001.h5")]
    assert result.items == len(KEYS) + 2


def test_damaged_pickles_and_frame_names_are_named(tmp_path: Path) -> None:
    write_tree(tmp_path)
    tree = PickleTree(tmp_path, {"map": "*.pkl"})
    damaged, renamed = tree.file(KEYS[1], "map"), tmp_path / ".frame_names" / KEYS[3].identity / "nm-01/090/090.txt"
    _change(damaged, 500)
    _change(renamed, 3)
    tree.read(KEYS[1])  # without notice
    problems = verify_path(tmp_path).damaged
    assert [problem.split(": found")[0] for problem in problems] == [str(damaged), str(renamed)]
    assert all("found content that differs from its checksum" in problem for problem in problems)


def test_written_pickle_is_read_by_pickle_alone(tmp_path: Path) -> None:
    write_tree(tmp_path)
    path = PickleTree(tmp_path, {"map": "*.pkl"}).file(KEYS[0], "map")
    with path.open("rb") as file:
        np.testing.assert_array_equal(pickle.load(file), maps_of(KEYS[0]))


def test_links_are_verified_like_their_targets(tmp_path: Path) -> None:
    write_tree(tmp_path / "maps")
    for key in KEYS:
        link = (tmp_path / "links").joinpath(*key, "090.pkl")
        link.parent.mkdir(parents=True)
        link.symlink_to((tmp_path / "maps").joinpath(*key, "090.pkl"))
    _change((tmp_path / "maps").joinpath(*KEYS[0], "090.pkl"), 300)
    result = verify_path(tmp_path / "links")
    assert (len(result.damaged), result.without_sums) == (1, 0)


def test_pairs_are_verified_in_both_sources(tmp_path: Path) -> None:
    write_tree(tmp_path / "maps")
    for key in KEYS:
        PickleTreeWriter(tmp_path / "silhouettes").write(key, maps_of(key)[:, 0])
    sources = PairedSources(tmp_path / "maps", tmp_path / "silhouettes", "*.pkl")
    write_pair_file(tmp_path / "pairs.h5", PairFile(sources, dict.fromkeys(KEYS)))
    assert (verify_path(tmp_path / "pairs.h5").items, verify_path(tmp_path / "pairs.h5").damaged) == (4, [])
    _change((tmp_path / "silhouettes").joinpath(*KEYS[0], "090.pkl"), 300)
    assert len(verify_path(tmp_path / "pairs.h5").damaged) == 1


@pytest.mark.parametrize(("name", "items"), [("maps", 2), ("embeddings.h5", 16)])
def test_files_of_0_1_0_have_no_checksums(name: str, items: int) -> None:
    result = verify_path(OLD_FILES / name)
    assert (result.items, result.without_sums, result.damaged) == (items, items, [])
    assert result.facts() == {"undamaged": 0, "no checksums": items, "damaged": 0}


def test_changed_metadata_are_refused(tmp_path: Path) -> None:
    write_tree(tmp_path)
    path = tmp_path / METADATA_FILE
    path.write_text(path.read_text().replace("8.0", "9.0"))
    with pytest.raises(DataError, match="content that differs from its checksum"):
        read_metadata(tmp_path)


def test_command_names_damage_and_fails(tmp_path: Path) -> None:
    write_tree(tmp_path / "maps")
    assert "no damage found" in skelgait(tmp_path, "inspect", tmp_path / "maps", "--verify")
    _change((tmp_path / "maps").joinpath(*KEYS[0], "090.pkl"), 300)
    result = run_command(tmp_path, "inspect", tmp_path / "maps", "--verify")
    assert result.returncode == 1
    assert "1 of 5 damaged" in result.stdout
    assert "000/nm-01/090/090.pkl" in result.stdout.replace("\n", "")
    report = json.loads(run_command(tmp_path, "inspect", tmp_path / "maps", "--verify", "--json").stdout)
    assert (report["items"], len(report["damaged"])) == (5, 1)


def test_path_without_data_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError):
        verify_path(tmp_path)
