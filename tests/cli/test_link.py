"""`skelgait link` on sequences with missing frames: every policy, in both storage formats."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.preprocess.convert import convert_store
from skelgait.storage import Key, PickleTreeWriter, open_pairs, open_source
from skelgait.storage.frame_names import frame_names_file, read_frame_names
from tests.commands import cli_runner
from tests.preprocess.pairs.frame_sequences import named, plain_match, write_maps, write_silhouettes

# Numbers of the frames of maps and of silhouettes, and whether they are named.
WALKS = {
    "0-whole": ([1, 2, 3, 4], [1, 2, 3, 4], True),
    "1-lost": ([1, 2, 4, 5, 6], [2, 3, 4, 6], True),
    "2-lost-as-many": ([1, 2, 3], [2, 3, 4], True),
    "3-nameless": ([1, 2, 3], [1, 2], False),
    "4-nameless-but-equal": ([1, 2, 3], [1, 2, 3], False),
    "5-strangers": ([1, 2, 3], [7, 8], True),
    "6-twice": ([1, 1, 2], [1, 2], True),
    "7-unordered": ([10, 9, 11], [11, 10, 9, 8], True),
    "8-names-on-one-side": ([1, 2, 3], [1, 2], None),
}
KEYS = {name: Key(name[0], "nm", name) for name in WALKS}
NO_MAPS, NO_SILHOUETTES = Key("1", "nm", "no-maps"), Key("1", "nm", "no-silhouettes")
UNREADABLE = Key("2", "nm", "unreadable")
POLICIES = ("skip", "trim", "match-by-frame")
STORAGES = ("pkl", "hdf5")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def walks(workspace: Path) -> Path:
    for name, (maps, silhouettes, are_named) in WALKS.items():
        write_maps(workspace / "maps", KEYS[name], maps, named(maps) if are_named in (True, None) else None)
        names = named(silhouettes, "{:04d}") if are_named else None
        write_silhouettes(workspace / "silhouettes", KEYS[name], silhouettes, names)
    write_maps(workspace / "maps", NO_SILHOUETTES, [1, 2])
    write_silhouettes(workspace / "silhouettes", NO_MAPS, [1, 2, 3])
    return workspace


def link(*args: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `skelgait link`."""
    result = cli_runner().invoke(app, ["link", *map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def expected_of(name: str, policy: str) -> tuple[str, list[int], list[int]]:
    """The outcome of a walk, and the numbers of the maps and the silhouettes that are paired; by plain loops."""
    maps, silhouettes, are_named = WALKS[name]
    matches = plain_match(maps, silhouettes)
    if policy == "match-by-frame" and are_named and maps != silhouettes:
        if not matches or len(set(maps)) < len(maps):
            return "unequal", [], []
        return "matched", [maps[i] for i, _ in matches], [silhouettes[j] for _, j in matches]
    if len(maps) == len(silhouettes):
        return "paired", maps, silhouettes
    if policy == "trim":
        shorter = min(len(maps), len(silhouettes))
        return "trimmed", maps[:shorter], silhouettes[:shorter]
    return "unequal", [], []


def pairs_in(out: Path) -> dict[Key, list[list[int]]]:
    """The numbers of the frames of all pairs, as they are read."""
    source = open_pairs(out)
    read = {key: source.read(key) for key in source.keys}
    assert all(source.length(key) == len(source.header(key)) == len(maps) for key, (maps, _) in read.items())
    return {key: [[int(frame.max()) for frame in array] for array in arrays] for key, arrays in read.items()}


def report_in(out: Path) -> list[list[str]]:
    """The lines of the report."""
    return list(csv.reader((out / "report.csv").read_text(encoding="utf-8").splitlines()))


def files_in(out: Path) -> Iterator[tuple[str, int, int, bytes | str]]:
    """All files and links, with what would change if they were written again."""
    for path in sorted(out.rglob("*")):
        if path.is_symlink() or path.is_file():
            stat = path.lstat()
            content = str(path.readlink()) if path.is_symlink() else path.read_bytes()
            yield str(path.relative_to(out)), stat.st_mtime_ns, stat.st_ino, content


def content_of(out: Path) -> list[tuple[str, bytes | str]]:
    """All files and links, and what is in them."""
    return [(name, content) for name, _, _, content in files_in(out)]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("policy", ["error", *POLICIES])
def test_no_common_sequence_is_an_error(workspace: Path, policy: str, storage: str) -> None:
    write_maps(workspace / "maps", NO_SILHOUETTES, [])
    write_silhouettes(workspace / "silhouettes", NO_MAPS, [])
    code, _, err = link("--on-mismatch", policy, "--storage", storage)
    assert code == 1
    assert "no common sequence" in err
    assert "see pairs/report.csv for all sequences" in err
    assert report_in(workspace / "pairs")[1:] == [
        [*NO_MAPS, "no maps", "", "0", "0", ""],
        [*NO_SILHOUETTES, "no silhouettes", "0", "", "0", ""],
    ]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("policy", POLICIES)
def test_pairs_of_every_policy(walks: Path, policy: str, storage: str) -> None:
    code, out, err = link("--on-mismatch", policy, "--storage", storage, "--json")
    report = json.loads(out)
    assert code == 0
    expected = {name: expected_of(name, policy) for name in WALKS}
    rows = {Key(*(row[name] for name in Key._fields)): row for row in report["sequences"]}
    assert list(rows) == sorted([*KEYS.values(), NO_MAPS, NO_SILHOUETTES])
    for name, (outcome, maps, _) in expected.items():
        row = rows[KEYS[name]]
        assert (row["outcome"], row["paired"]) == (outcome, len(maps)), name
        assert (row["maps"], row["silhouettes"]) == tuple(map(len, WALKS[name][:2]))
        is_plain = outcome == "paired" and (policy != "match-by-frame" or WALKS[name][2])
        assert bool(row["reason"]) != is_plain, name
        assert (f"{KEYS[name]}: {row['reason']}" in err) == (outcome == "unequal")
    assert (rows[NO_MAPS]["outcome"], rows[NO_MAPS]["silhouettes"]) == ("no maps", 3)
    assert (rows[NO_SILHOUETTES]["outcome"], rows[NO_SILHOUETTES]["maps"]) == ("no silhouettes", 2)

    paired = {KEYS[name]: [maps, silhouettes] for name, (_, maps, silhouettes) in expected.items() if maps}
    assert pairs_in(walks / "pairs") == paired
    assert report["changed"] == len(paired) == sum(report["counts"][name] for name in ("paired", "trimmed", "matched"))
    header, *lines = report_in(walks / "pairs")
    assert all(header == list(row) for row in report["sequences"])
    assert lines == [["" if cell is None else str(cell) for cell in row.values()] for row in report["sequences"]]


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("policy", POLICIES)
def test_second_run_writes_nothing(walks: Path, policy: str, storage: str) -> None:
    flags = ("--on-mismatch", policy, "--storage", storage, "--json")
    link(*flags)
    before = list(files_in(walks / "pairs"))
    assert json.loads(link(*flags)[1])["changed"] == 0
    assert list(files_in(walks / "pairs")) == before


@pytest.mark.parametrize("storage", STORAGES)
def test_changed_policy_rewrites_the_pairs(walks: Path, storage: str) -> None:
    order = ("skip", "trim", "skip", "match-by-frame", "trim", "match-by-frame", "skip")
    for number, policy in enumerate(order):
        flags = ("--on-mismatch", policy, "--storage", storage)
        changed = json.loads(link(*flags, "--json")[1])["changed"]
        link(*flags, "--pairs", f"fresh-{number}")
        assert pairs_in(walks / "pairs") == pairs_in(walks / f"fresh-{number}")
        if storage == "pkl":
            assert content_of(walks / "pairs") == content_of(walks / f"fresh-{number}")
        if number:
            previous = order[number - 1]
            new = [name for name in WALKS if expected_of(name, policy)[1]]
            assert changed == sum(expected_of(name, policy) != expected_of(name, previous) for name in new)


@pytest.mark.parametrize("storage", STORAGES)
def test_policy_error_names_the_first_mismatch_and_writes_nothing(walks: Path, storage: str) -> None:
    code, _, err = link("--on-mismatch", "error", "--storage", storage)
    assert code == 1
    unequal = [name for name, (maps, silhouettes, _) in WALKS.items() if len(maps) != len(silhouettes)]
    where = f"silhouettes/{'/'.join(KEYS[unequal[0]])}"
    message = f"{where}: found 4 silhouettes but 5 maps, the first of {len(unequal)} such sequences, expected as many"
    assert message in err
    assert "--on-mismatch skip, trim or match-by-frame" in err
    assert not (walks / "pairs").exists()


def test_pair_files_are_links_or_cut_copies(walks: Path) -> None:
    link("--on-mismatch", "match-by-frame")
    whole = (walks / "pairs").joinpath(*KEYS["0-whole"])
    assert [path.name for path in sorted(whole.iterdir())] == ["0_heatmap.pkl", "1_sil.pkl"]
    assert all(path.is_symlink() for path in whole.iterdir())
    cut = (walks / "pairs").joinpath(*KEYS["1-lost"])
    names = ["0_heatmap.pkl", "1_sil.pkl"]
    assert [path.name for path in sorted(cut.iterdir())] == names  # peers take any other file for data
    assert not any(path.is_symlink() for path in cut.iterdir())
    assert read_frame_names(cut / "0_heatmap.pkl", 3) == named([2, 4, 6])
    assert read_frame_names(cut / "1_sil.pkl", 3) == ["0002", "0004", "0006"]
    assert read_frame_names(whole / "0_heatmap.pkl", 4) == named([1, 2, 3, 4])  # those of what is linked
    assert open_pairs(walks / "pairs").frame_names(KEYS["1-lost"]) == named([2, 4, 6])
    # The date is that of the newer source, the silhouettes, to the millisecond; the rest tells the sources apart.
    (date,) = {(cut / name).stat().st_mtime_ns for name in names}
    assert 0 <= date - 2 * 10**18 < 10**6


def test_pair_file_has_frame_names(walks: Path) -> None:
    link("--on-mismatch", "match-by-frame", "--storage", "hdf5")
    pairs = open_pairs(walks / "pairs")
    assert pairs.frame_names(KEYS["1-lost"]) == named([2, 4, 6])
    assert pairs.frame_names(KEYS["0-whole"]) == named([1, 2, 3, 4])
    assert pairs.frame_names(KEYS["4-nameless-but-equal"]) is None


# Stores have no files to link, so they are paired in an HDF5 file alone.
@pytest.mark.parametrize(("storage", "stores"), [("pkl", False), ("hdf5", False), ("hdf5", True)])
def test_training_reads_the_paired_frames(walks: Path, storage: str, stores: bool) -> None:
    flags: tuple[object, ...] = ("--on-mismatch", "match-by-frame", "--storage", storage)
    if stores:
        convert_store(open_source(walks / "maps", "map"), walks / "maps5", "hdf5", workers=1)
        convert_store(open_source(walks / "silhouettes", "silhouette"), walks / "sils5", "hdf5", workers=1)
        flags = (*flags, "--maps", "maps5", "--silhouettes", "sils5")
    assert link(*flags)[0] == 0
    pairs = open_pairs(walks / "pairs")
    for name in WALKS:
        _, maps, silhouettes = expected_of(name, "match-by-frame")
        if not maps:
            continue
        asked: list[int] = []

        def choose(length: int, asked: list[int] = asked) -> np.ndarray:
            asked.append(length)
            return np.array([length - 1, 0, 0])

        read = pairs.read(KEYS[name], choose)
        assert asked == [len(maps)]  # once, as the choice may be random
        assert [int(frame.max()) for frame in read[0]] == [maps[-1], maps[0], maps[0]]
        assert [int(frame.max()) for frame in read[1]] == [silhouettes[-1], silhouettes[0], silhouettes[0]]


@pytest.mark.parametrize("policy", ["trim", "match-by-frame"])
def test_other_source_of_the_same_date_is_cut_again(walks: Path, policy: str) -> None:
    link("--on-mismatch", policy)
    for name, (maps, _, are_named) in WALKS.items():
        names = named(maps) if are_named in (True, None) else None
        write_maps(walks / "others", KEYS[name], maps, names, add=100)
    link("--on-mismatch", policy, "--maps", "others")
    for name in WALKS:
        _, maps, silhouettes = expected_of(name, policy)
        if maps:
            assert pairs_in(walks / "pairs")[KEYS[name]] == [[number + 100 for number in maps], silhouettes]


def test_changed_source_is_detected(walks: Path) -> None:
    flags = ("--on-mismatch", "match-by-frame")
    link(*flags)
    key = KEYS["1-lost"]
    maps = write_maps(walks / "maps", key, [1, 2, 4, 5, 6], named([1, 2, 4, 5, 6]), add=100)
    os.utime(maps, ns=(3 * 10**18, 3 * 10**18))
    link(*flags)
    assert pairs_in(walks / "pairs")[key] == [[102, 104, 106], [2, 4, 6]]
    # Other names: the frames that are kept bear the same ones as before, but are others.
    names = frame_names_file(maps)
    names.write_text("".join(f"{name}\n" for name in named([2, 4, 6, 7, 8])))
    os.utime(names, ns=(4 * 10**18, 4 * 10**18))
    link(*flags)
    assert pairs_in(walks / "pairs")[key] == [[101, 102, 104], [2, 4, 6]]


def test_damaged_or_missing_pairs_are_written_again(walks: Path) -> None:
    flags = ("--on-mismatch", "trim")
    link(*flags)
    before = content_of(walks / "pairs")
    folder = (walks / "pairs").joinpath(*KEYS["1-lost"])
    stat = (folder / "0_heatmap.pkl").stat()
    (folder / "0_heatmap.pkl").write_bytes(b"junk")
    os.utime(folder / "0_heatmap.pkl", ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    frame_names_file(folder / "1_sil.pkl").unlink()
    link(*flags)
    assert content_of(walks / "pairs") == before


@pytest.mark.parametrize("name", ["0_heatmap.pkl", "1_sil.pkl"])
@pytest.mark.parametrize("walk", ["0-whole", "1-lost"])
def test_foreign_file_is_not_overwritten(walks: Path, walk: str, name: str) -> None:
    link("--on-mismatch", "skip")
    path = (walks / "pairs").joinpath(*KEYS[walk], name)
    path.unlink(missing_ok=True)
    PickleTreeWriter(walks / "pairs").write(KEYS[walk], np.arange(7), name.removesuffix(".pkl"))
    before = list(files_in(walks / "pairs"))
    for policy in ("trim", "match-by-frame", "trim"):  # once refused, it does not become ours
        code, _, err = link("--on-mismatch", policy)
        assert code == 1
        assert f"{name}: found a file, expected no file, or a link; choose another folder with --pairs" in err
        assert list(files_in(walks / "pairs")) == before


def test_pairs_without_a_source_are_removed(walks: Path) -> None:
    link("--on-mismatch", "match-by-frame")
    for name in ("0-whole", "1-lost"):
        (walks / "maps").joinpath(*KEYS[name], f"{name}.pkl").unlink()
        (walks / "pairs").joinpath(*KEYS[name], "mine.txt").write_text("stays")
    link("--on-mismatch", "match-by-frame")
    for name in ("0-whole", "1-lost"):
        assert [path.name for path in (walks / "pairs").joinpath(*KEYS[name]).iterdir()] == ["mine.txt"]
        assert KEYS[name] not in open_pairs(walks / "pairs").keys


@pytest.mark.parametrize("policy", ["trim", "match-by-frame"])
def test_unreadable_sequence_is_in_the_report(walks: Path, policy: str) -> None:
    write_maps(walks / "maps", UNREADABLE, [1, 2])
    write_silhouettes(walks / "silhouettes", UNREADABLE, [1, 2]).write_bytes(b"junk")
    names = frame_names_file(write_maps(walks / "maps", KEYS["1-lost"], [1, 2], named([1, 2])))
    names.write_text("one name\n")
    code, out, err = link("--on-mismatch", policy, "--json")
    rows = {Key(*(row[name] for name in Key._fields)): row for row in json.loads(out)["sequences"]}
    assert code == 1
    for key, reason in ((UNREADABLE, "sils.pkl: found"), (KEYS["1-lost"], "1-lost.txt: found 1 names")):
        assert rows[key]["outcome"] == "unreadable"
        assert reason in rows[key]["reason"]
        assert reason in err


def test_printed_report_counts_every_outcome(walks: Path) -> None:
    code, out, _ = link("--on-mismatch", "match-by-frame")
    lines = dict(line.strip().rsplit(maxsplit=1) for line in out.splitlines()[1:] if line.strip())
    assert code == 0
    assert lines == {
        "paired": "2",
        "trimmed": "0",
        "matched": "3",
        "no silhouettes": "1",
        "no maps": "1",
        "unequal": "4",
        "unreadable": "0",
        "new or changed pairs": "5",
        "report": "pairs/report.csv",
    }


@pytest.mark.parametrize(("before", "policy"), [("trim", "match-by-frame"), ("match-by-frame", "skip"), (None, "trim")])
def test_run_after_kill_completes_the_pairs(
    walks: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, policy: str
) -> None:
    for name in set(WALKS) - {"0-whole", "1-lost", "3-nameless"}:
        shutil.rmtree(walks / "maps" / Path(*KEYS[name]))
    link("--on-mismatch", policy, "--pairs", "fresh")
    expected, steps = content_of(walks / "fresh"), 0
    replace, unlink = Path.replace, Path.unlink
    for killed_at in range(1000):
        shutil.rmtree(walks / "pairs", ignore_errors=True)
        if before:
            link("--on-mismatch", before)
        steps = 0

        def step(*, killed_at: int = killed_at) -> None:
            nonlocal steps
            steps += 1
            if steps > killed_at:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", lambda self, target: (step(), replace(self, target))[1])
            patch.setattr(Path, "unlink", lambda self, missing_ok=False: (step(), unlink(self, missing_ok))[1])
            link("--on-mismatch", policy)
        if steps <= killed_at:
            break
        assert link("--on-mismatch", policy)[0] == 0
        assert content_of(walks / "pairs") == expected, killed_at
    assert killed_at > 5
