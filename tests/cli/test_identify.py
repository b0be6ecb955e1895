"""`skelgait identify` on embeddings, maps, pairs, poses and raw poses."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from skelgait.embeddings import write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.embeddings.file import open_embeddings
from skelgait.storage import Key, open_source
from tests.cli.embedded import CPU, call, processes
from tests.raw.poses import estimator_builders

GALLERY = ("--gallery", "gallery.h5", *CPU)


def identified(*args: object) -> dict[str, list[tuple[str, float]]]:
    """Of each probe the people and distances."""
    code, out, err = call("identify", *args, *GALLERY, "--json")
    assert (code, err) == (0, "")
    return {of["probe"]: [(c["identity"], c["distance"]) for c in of["candidates"]] for of in json.loads(out)["probes"]}


@pytest.fixture
def expected(embedded: Path) -> dict[str, list[tuple[str, float]]]:
    """What the embeddings of the gallery say of themselves."""
    return identified("gallery.h5")


def assert_alike(found: dict[str, list[tuple[str, float]]], wanted: dict[str, list[tuple[str, float]]]) -> None:
    assert set(found) == set(wanted)
    for probe, people in wanted.items():
        assert [name for name, _ in found[probe]] == [name for name, _ in people]
        assert [d for _, d in found[probe]] == pytest.approx([d for _, d in people], abs=1e-3)


def test_enrolled_sequence_finds_itself(expected: dict[str, list[tuple[str, float]]]) -> None:
    assert len(expected) == 16
    for probe, people in expected.items():
        assert people[0][0] == probe.split("/")[0]
        assert people[0][1] == pytest.approx(0, abs=1e-3)
        assert [d for _, d in people] == sorted(d for _, d in people)
        assert len({name for name, _ in people}) == len(people) == 4


@pytest.mark.parametrize("what", ["maps", "poses"])
def test_tree_folder_and_file_give_the_same_ranking(expected: dict[str, list[tuple[str, float]]], what: str) -> None:
    assert_alike(identified(what), expected)
    one = "075/bg-01/000"
    (file,) = Path(what, one).glob("*.pkl")
    for path in (Path(what, one), file, Path(what, one).absolute(), Path(what, "..", file)):
        assert_alike(identified(path), {one: expected[one]})
    assert_alike(identified(what, "--sequence", one), {one: expected[one]})


def test_hdf5_folder_gives_the_same_ranking(expected: dict[str, list[tuple[str, float]]]) -> None:
    for what in ("maps", "poses"):
        assert call("convert", what, f"{what}-hdf5", "--workers", 1)[0] == 0
        assert_alike(identified(f"{what}-hdf5"), expected)


def test_pairs_for_skeletongait_plus(embedded: Path) -> None:
    flags = ("--gallery", "plus.h5", *CPU, "--json")
    reports = [json.loads(call("identify", path, *flags)[1]) for path in ("plus.h5", "pairs")]
    found = [[of["candidates"][0]["sequence"] for of in report["probes"]] for report in reports]
    assert found[0] == found[1] == [str(key) for key in open_embeddings(embedded / "plus.h5").keys]


@pytest.mark.parametrize("builder", ["alphapose", "mmpose", "coco", "coco_results", "pyskl"])
def test_raw_poses_are_accepted(
    expected: dict[str, list[tuple[str, float]]], embedded: Path, tmp_path: Path, builder: str
) -> None:
    poses = open_source(embedded / "poses", "pose")
    walks = {key: poses.read(key)[0].astype(np.float64) for key in poses.keys[3:6]}
    raw = getattr(estimator_builders, builder)(tmp_path / "deep" / "er" / "raw", walks)
    wanted = {str(key): expected[str(key)] for key in walks}
    found = identified(raw)
    assert set(found) == set(wanted)
    # Annotations of COCO keep no confidence, and PYSKL's halves are rounded.
    if builder not in ("coco", "pyskl"):
        assert_alike(found, wanted)
    assert not list(embedded.glob("raw*"))


@pytest.fixture
def shallow() -> Iterator[Path]:
    """A folder right below the one for temporary files, in no tree of sequences."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize("what", ["maps", "poses"])
def test_single_file_is_accepted(expected: dict[str, list[tuple[str, float]]], shallow: Path, what: str) -> None:
    (file,) = Path(what, "075/bg-01/000").glob("*.pkl")
    shutil.copy(file, shallow / "walk [1].pkl")
    assert_alike(identified(shallow / "walk [1].pkl"), {"000/00/walk [1]": expected["075/bg-01/000"]})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"junk", "walk.pkl: found "), (None, "walk.pkl: found an array (4, 3, 2) of float64, expected poses, maps or")],
)
def test_single_file_of_other_data_is_refused(
    embedded: Path, shallow: Path, content: bytes | None, message: str
) -> None:
    (shallow / "walk.pkl").write_bytes(np.ones((4, 3, 2)).dumps() if content is None else content)
    code, out, err = call("identify", shallow / "walk.pkl", *GALLERY)
    assert (code, out) == (1, "")
    assert f"Error: {shallow}/{message}" in err
    assert len(err.splitlines()) == 1


ENROLLED = "probes have the name of a gallery sequence, and may be compared with themselves\n"


def test_ranking_is_written_as_csv_and_json(embedded: Path, tmp_path: Path) -> None:
    flags = ("poses", "--sequence", "075/bg-01/000", "--top", 3, "--threshold", 0.5, *GALLERY)
    for name in ("x.csv", "deep/x.json"):
        code, out, err = call("identify", *flags, "--out", tmp_path / name)
        assert (code, err) == (0, f"Warning: 1 of 1 {ENROLLED}")
        assert str(tmp_path / name) in out
    report = json.loads((tmp_path / "deep" / "x.json").read_text())
    assert report == json.loads(call("identify", *flags, "--json")[1])
    assert (report["gallery"], report["n_people"], report["n_sequences"]) == ("gallery.h5", 4, 16)
    assert (report["threshold"], report["learned"], report["n_truncated"]) == (0.5, None, 0)
    (of,) = report["probes"]
    with (tmp_path / "x.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["rank"] for line in lines] == ["1", "2", "3"]
    for line, c in zip(lines, of["candidates"], strict=True):
        assert line["probe"] == of["probe"] == "075/bg-01/000"
        assert (line["identity"], line["sequence"], float(line["distance"])) == (
            c["identity"],
            c["sequence"],
            c["distance"],
        )
    assert [line["accepted"] for line in lines] == ["true", "", ""]
    assert of["accepted"] is True


def test_threshold_is_given_or_estimated(embedded: Path) -> None:
    code, out, err = call("identify", "maps", *GALLERY, "--validation", "gallery.h5", "--false-accept", 0.25, "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    learned = report["learned"]
    assert report["threshold"] == learned["distance"] > 0
    assert (learned["n_impostors"], learned["n_enrolled"]) == (16, 16)
    assert learned["false_accepts"] <= 0.25
    assert all(of["accepted"] for of in report["probes"])
    code, out, err = call("identify", "maps", *GALLERY, "--validation", "gallery.h5", "--false-accept", 0.05)
    assert "of 16 impostors" in out
    rates = "5 % (at least 20), 1 % (at least 100), 0.1 % (at least 1000), 0.01 % (at least 10000)"
    assert f"16 validation sequences are too few for an FPIR of {rates}\n" in err
    assert "16 validation sequences have the name of a gallery sequence; if they are the same, FNIR" in err
    assert learned["curve"][0]["false_positive"] == 1 / 16
    assert learned["curve"][-1] == {
        "false_positive": 1,
        "distance": learned["curve"][-1]["distance"],
        "false_negative": 0,
        "detected": 1,
    }
    code, out, _ = call("identify", "other.h5", "--gallery", "other.h5", "--threshold", 0, *CPU)
    assert "known" in out


def test_output_is_one_json_object_with_cut_sequences(embedded: Path) -> None:
    code, out, err = call("identify", "maps", *GALLERY, "--set", "identify.max_frames=3", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["n_truncated"] == 16
    code, out, err = call("identify", "maps", *GALLERY, "--set", "identify.max_frames=3")
    assert (
        err
        == f"Warning: 16 of 16 {ENROLLED}Warning: 16 of 16 probes were longer than identify.max_frames and were cut\n"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("none", *GALLERY), "Error: none: found no such file or folder, expected sequences to identify"),
        (
            ("maps", "--gallery", "none.h5"),
            "Error: none.h5: found No such file or directory, expected an embedding file",
        ),
        (("maps", "--gallery", "maps"), "Error: maps: found Is a directory, expected an embedding file"),
        (
            ("silhouettes", *GALLERY),
            "Error: silhouettes: found silhouettes, expected poses or maps for skeletongait",
        ),
        (("maps", "--gallery", "plus.h5"), "expected linked pairs of maps and silhouettes for skeletongait++"),
        (("maps", *GALLERY, "--checkpoint", "other.pt"), "Error: other.pt: found not the checkpoint of gal"),
        (("maps", *GALLERY, "--checkpoint", "none.pt"), "Error: none.pt: found no such file"),
        (("maps", *GALLERY, "--run-name", "none"), "Error: runs/none"),
        (("other.h5", *GALLERY), "Error: other.h5: found the checkpoint "),
        (("plus.h5", *GALLERY), "as of gallery.h5; embed both with one checkpoint"),
        (("maps", *GALLERY, "--validation", "other.h5"), "Error: other.h5: found the checkpoint "),
        (("maps", *GALLERY, "--sequence", "075/x/0"), "Error: --sequence: found 075/x/0, expected a sequence in maps"),
        (("gallery.h5", *GALLERY, "--sequence", "075/x/0"), "expected a sequence in gallery.h5; give identity/cond"),
        (("maps", *GALLERY, "--out", "x.txt"), "should end in .csv or .json"),
        (
            ("maps", *GALLERY, "--threshold", "1", "--validation", "gallery.h5"),
            "only one of --threshold and --valid",
        ),
        (("maps", *GALLERY, "--threshold", "-1"), "identify.threshold"),
        (("maps", *GALLERY, "--threshold", "inf"), "identify.threshold"),
        (("maps", *GALLERY, "--false-accept", "2"), "identify.false_accept"),
        (("maps", *GALLERY, "--top", "0"), "identify.top"),
    ],
)
def test_error_is_one_line(embedded: Path, args: tuple[str, ...], message: str) -> None:
    code, out, err = call("identify", *args)
    assert (code, out) == (1, "")
    assert message in err
    assert len(err.splitlines()) == 1


def changed_gallery(path: Path, rows: int = 16, width: int = 6, bad: bool = False, **facts: object) -> Path:
    """A file of the gallery's checkpoint with other embeddings."""
    file = open_embeddings(Path("gallery.h5"))
    values = np.random.default_rng(0).standard_normal((rows, 8, width)).astype(np.float32)
    if bad:
        values[3, 0, 0] = np.nan
    part = EmbeddingChunk(np.arange(rows), values, values)
    write_embeddings(path, file.keys[:rows], file.frames[:rows].tolist(), [part], replace(file.facts, **facts))
    return path


def test_mismatched_embedding_files_are_refused(embedded: Path, tmp_path: Path) -> None:
    for make, message in (
        ({"width": 9}, "the probes: found embeddings of 9 x 8, expected 6 x 8, as in the gallery; use one network"),
        (
            {"bad": True},
            "e.h5: found NaN or infinity in 1 embedding, first in 001/nm-01/180, expected finite numbers",
        ),
    ):
        path = changed_gallery(tmp_path / "e.h5", **make)  # type: ignore[arg-type]
        code, out, err = call("identify", path, *GALLERY)
        assert (code, out) == (1, "")
        assert message in err
    with h5py.File(path, "r+") as content:
        del content["frames"]
    code, _, err = call("identify", path, *GALLERY)
    assert (code, err.startswith(f"Error: {path}: found no embeddings (")) == (1, True)


def test_moved_checkpoint_can_be_given(embedded: Path, tmp_path: Path) -> None:
    gone = changed_gallery(tmp_path / "e.h5", checkpoint="/nowhere/c.pt")
    code, _, err = call("identify", "maps", "--gallery", gone, *CPU)
    assert code == 1
    assert err == (
        f"Error: /nowhere/c.pt: found no such file, expected the checkpoint of {gone}; "
        "give its path with --checkpoint\n"
    )
    shutil.copy("c.pt", tmp_path / "moved.pt")
    assert call("identify", "maps", "--gallery", gone, *CPU, "--checkpoint", tmp_path / "moved.pt")[0] == 0
    # Embeddings need no checkpoint.
    assert call("identify", "gallery.h5", "--gallery", gone, *CPU)[0] == 0


def test_names_with_markup_are_printed_unchanged(embedded: Path, tmp_path: Path) -> None:
    file = open_embeddings(embedded / "gallery.h5")
    keys = [Key("=1+1", 'q"u,o', "[red]x"), Key("j\u00fcrgen", "nm", ":smile:")]
    part = EmbeddingChunk(np.arange(2), np.ones((2, 8, 6), np.float32), np.ones((2, 8, 6), np.float32))
    write_embeddings(tmp_path / "e.h5", keys, [1, 1], [part], file.facts)
    code, out, _ = call("identify", tmp_path / "e.h5", *GALLERY, "--out", tmp_path / "x.csv")
    assert code == 0
    assert all(str(key) in out for key in keys)
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as lines:
        assert {line["probe"] for line in csv.DictReader(lines)} == set(map(str, keys))


@pytest.mark.slow
@pytest.mark.parametrize("what", ["gallery.h5", "poses", "raw"])
def test_two_processes_print_once(embedded: Path, tmp_path: Path, what: str) -> None:
    path = embedded / what
    if what == "raw":
        poses = open_source(embedded / "poses", "pose")
        path = estimator_builders.alphapose(
            tmp_path / "raw", {key: poses.read(key)[0].astype(np.float64) for key in poses.keys[:3]}
        )
    done = processes("identify", path, *GALLERY, "--json", "--out", tmp_path / "x.json", "--nproc", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((tmp_path / "x.json").read_text())
    (alone,) = [call("identify", path, *GALLERY, "--json")[1]]
    for one, two in zip(json.loads(alone)["probes"], json.loads(done.stdout)["probes"], strict=True):
        # Embeddings of other batches differ in their last digits, which can change the order of near ties.
        distances = {c["sequence"]: c["distance"] for c in two["candidates"]}
        assert distances == pytest.approx({c["sequence"]: c["distance"] for c in one["candidates"]}, rel=1e-4, abs=1e-6)


def test_subfolder_of_a_tree_is_accepted(embedded: Path) -> None:
    for folder in ("maps", "poses"):
        for part, n in (("075", 4), ("075/bg-01", 2), ("075/bg-01/000", 1)):
            code, out, _ = call("identify", f"{folder}/{part}", *GALLERY, "--json")
            assert code == 0
            found = [of["probe"] for of in json.loads(out)["probes"]]
            assert len(found) == n
            assert all(name.startswith(part) for name in found)
