"""`skelgait enroll` and `skelgait gallery` on embeddings, maps, poses and raw poses, and `identify` with a gallery."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.embeddings import open_embeddings, write_embeddings
from skelgait.embeddings.extraction import EmbeddingChunk
from skelgait.embeddings.gallery import Gallery, open_gallery
from skelgait.sampling.fingerprint import arrays_sha256
from skelgait.storage import open_source
from skelgait.storage.metadata import read_metadata, write_metadata
from tests.cli.embedded import CPU, call
from tests.commands import cli_runner
from tests.paths import ROOT
from tests.raw.poses import estimator_builders

NAME = "J\u00fcrgen \u6b69"


@pytest.fixture
def gallery(embedded: Path, tmp_path: Path) -> Path:
    """Return the path of a gallery that does not exist yet."""
    return tmp_path / "g.h5"


def enroll(path: object, gallery: Path, *args: object) -> dict[str, list[dict[str, object]]]:
    """Enroll, and return the report."""
    code, out, err = call("enroll", path, "--gallery", gallery, *CPU, *args, "--json")
    assert (code, err) == (0, ""), err
    return json.loads(out)  # type: ignore[no-any-return]


def refusal(*args: object) -> str:
    """Return the error of a command, in one line."""
    code, out, err = call(*args)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    return err


def names_in(gallery: Path) -> list[str]:
    return list(map(str, open_gallery(gallery).rows.keys))


def other_embeddings(path: Path, n: int = 4, seed: int = 0, **facts: object) -> Path:
    """Write random embeddings of the gallery's network."""
    file = open_embeddings(Path("gallery.h5"))
    values = np.random.default_rng(seed).standard_normal((n, 8, 6)).astype(np.float32)
    chunk = EmbeddingChunk(np.arange(n), values, values)
    write_embeddings(path, file.keys[:n], [10] * n, [chunk], replace(file.facts, **facts))
    return path


@pytest.mark.parametrize("source", ["poses", pytest.param("maps", marks=pytest.mark.slow), "gallery.h5"])
def test_enrolled_embeddings_are_those_of_embed(gallery: Path, source: str) -> None:
    report = enroll(source, gallery, *(() if source.endswith("h5") else ("--checkpoint", "c.pt")))
    content, expected = open_gallery(gallery), open_gallery(Path("gallery.h5"))
    assert content.rows.keys == expected.rows.keys
    assert content.facts.checkpoint_sha256 == expected.facts.checkpoint_sha256
    for name in ("embedding_1", "embedding_2"):
        found, wanted = (getattr(file.rows, name)[:] for file in (content, expected))
        np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert [entry["sequence"] for entry in report["enrolled"]] == names_in(gallery)
    assert (report["n_people"], report["n_sequences"]) == (4, 16)


@pytest.mark.slow
def test_pairs_are_enrolled_for_skeletongait_plus(gallery: Path) -> None:
    enroll("pairs", gallery, "--checkpoint", "plus.pt")
    expected = open_embeddings(Path("plus.h5"), 1)
    np.testing.assert_allclose(open_gallery(gallery).rows.embedding_1[:], expected.values[:], atol=1e-5)


def test_origin_tells_path_fingerprint_checkpoint_and_date(gallery: Path) -> None:
    enroll("poses/001", gallery, "--name", NAME, "--checkpoint", "c.pt", "--sequence", "001/nm-01/000")
    content = open_gallery(gallery)
    (origin,), (key,) = content.rows.origins, content.rows.keys
    poses = open_source("poses", "pose")
    assert str(key) == f"{NAME}/nm-01/000"
    assert origin.source == f"{Path('poses/001').resolve()}: 001/nm-01/000"
    assert origin.sha256 == arrays_sha256(poses.read(poses.keys[2]))
    assert origin.checkpoint == str(Path("c.pt").resolve())
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", origin.enrolled)
    code, out, err = call("gallery", "list", gallery)
    assert (code, err) == (0, "")
    for text in (str(key), origin.source, origin.sha256[:12], origin.enrolled, content.facts.checkpoint_sha256[:12]):
        assert text in out
    assert "none since the last change; run `skelgait gallery check`" in out
    (entry,) = json.loads(call("gallery", "list", gallery, "--json")[1])["sequences"]
    assert entry == {"sequence": str(key), "frames": content.rows.frames[0], **vars(origin)}


def test_network_and_map_settings_of_the_gallery_are_used(gallery: Path) -> None:
    enroll("poses/001/nm-01", gallery, "--checkpoint", "c.pt", "--set", "heatmap.sigma_px=3.5")
    assert open_gallery(gallery).facts.drawn["sigma_px"] == 3.5
    # The same walks are drawn in the same way, without the flag.
    enroll("poses/001/nm-01", gallery, "--name", "again")
    found = np.asarray(open_gallery(gallery).rows.embedding_1[:])
    np.testing.assert_array_equal(found[2:], found[:2])
    assert not np.allclose(found[0], open_gallery(Path("gallery.h5")).rows.embedding_1[:][2], atol=1e-3)
    (probe,) = json.loads(call("identify", "poses/001/nm-01/000", "--gallery", gallery, *CPU, "--json")[1])["probes"]
    assert probe["candidates"][0]["sequence"].endswith("nm-01/000")
    assert probe["candidates"][0]["distance"] < 1e-5


@pytest.mark.slow
def test_onnx_file_enrolls_into_the_gallery_of_its_checkpoint(gallery: Path, tmp_path: Path) -> None:
    code, _, err = call("export", "c.pt", "--format", "onnx", "--out", tmp_path / "c.onnx")
    assert code == 0, err
    enroll("poses/001", gallery, "--checkpoint", "c.pt")
    enroll("poses/002", gallery, "--checkpoint", tmp_path / "c.onnx")
    found, expected = open_gallery(gallery).rows, open_gallery(Path("gallery.h5")).rows
    np.testing.assert_allclose(found.embedding_1[:], expected.embedding_1[:8], atol=1e-5)
    assert found.origins[-1].checkpoint == str(tmp_path / "c.onnx")


def test_raw_poses_are_enrolled_under_a_name(gallery: Path, tmp_path: Path) -> None:
    poses = open_source("poses", "pose")
    walks = {key: poses.read(key)[0].astype(np.float64) for key in poses.keys[:2]}
    raw = estimator_builders.alphapose(tmp_path / "raw", walks)
    enroll(raw, gallery, "--name", "anna", "--checkpoint", "c.pt")
    assert names_in(gallery) == ["anna/bg-01/000", "anna/bg-01/180"]


def test_repeated_enrollment_adds_nothing(gallery: Path) -> None:
    enroll("poses/001/nm-01", gallery, "--checkpoint", "c.pt")
    before = gallery.read_bytes()
    report = enroll("poses/001/nm-01", gallery)
    assert (report["enrolled"], len(report["known"]), gallery.read_bytes()) == ([], 2, before)
    code, _, err = call("enroll", "poses/001/nm-01", "--gallery", gallery, *CPU)
    assert (code, err) == (0, "Warning: 2 sequences are enrolled already, and were left out\n")


def test_other_sequence_of_the_same_name_gets_a_number(gallery: Path, tmp_path: Path) -> None:
    for seed in range(3):
        enroll(other_embeddings(tmp_path / "e.h5", n=1, seed=seed), gallery, "--name", "anna")
    assert names_in(gallery) == ["anna/bg-01/000", "anna/bg-01/000-2", "anna/bg-01/000-3"]


def test_spellings_of_one_name_are_one_person(gallery: Path) -> None:
    enroll(other_embeddings(gallery.with_name("e.h5")), gallery, "--name", NAME)
    enroll(other_embeddings(gallery.with_name("f.h5"), seed=1), gallery, "--name", unicodedata.normalize("NFD", NAME))
    assert {key.identity for key in open_gallery(gallery).rows.keys} == {NAME}
    assert call("gallery", "remove", gallery, unicodedata.normalize("NFD", NAME))[0] == 0
    assert names_in(gallery) == []


def test_near_duplicate_of_another_person_is_a_warning(gallery: Path) -> None:
    walks = other_embeddings(gallery.with_name("e.h5"))
    enroll(walks, gallery, "--name", "anna")
    code, _, err = call("enroll", walks, "--gallery", gallery, "--name", "ben")
    assert code == 0
    reason = r"ben is as near to anna as sequences of one person are to each other \([\d.]+\), in 4 sequences"
    assert re.search(reason, err)
    assert err.endswith(f"at distance 0.0000); if it is one person, run `skelgait gallery remove {gallery} ben`\n")
    pairs = json.loads(call("gallery", "check", gallery, "--json")[1])["near_duplicates"]
    assert {(pair["sequence"], pair["other"]) for pair in pairs} == {
        (f"anna/{walk}", f"ben/{walk}") for walk in ("nm-01/000", "nm-01/180", "bg-01/000", "bg-01/180")
    }
    code, _, err = call("gallery", "check", gallery)
    assert (code, "everyone is unknown: two people have equal embeddings" in err) == (0, True)


def test_walk_of_two_people_who_have_no_other_is_a_warning(gallery: Path) -> None:
    walk = other_embeddings(gallery.with_name("e.h5"), n=1)
    enroll(walk, gallery, "--name", "anna")
    err = call("enroll", walk, "--gallery", gallery, "--name", "ben")[2]
    assert err == (
        "Warning: ben has nearly the same embedding as anna, in 1 sequence (nearest: ben/bg-01/000 and anna/bg-01/000 "
        f"at distance 0.0000); if it is one person, run `skelgait gallery remove {gallery} ben`\n"
    )


def test_walk_that_is_enrolled_as_embeddings_and_as_maps_is_a_warning_and_no_match(gallery: Path) -> None:
    enroll("gallery.h5", gallery)
    code, _, err = call("enroll", "maps/001/nm-01", "--gallery", gallery, *CPU)
    repeats = "001/nm-01/000-2 001/nm-01/180-2"
    warning = (
        "Warning: 001: 2 sequences have nearly the same embedding as another one (001/nm-01/000-2 and 001/nm-01/000); "
        f"if it is the same walk, run `skelgait gallery remove {gallery} {repeats}`\n"
    )
    assert (code, err.endswith(warning)) == (0, True)
    assert warning in call("gallery", "check", gallery)[2]
    checked = json.loads(call("gallery", "check", gallery, "--json")[1])
    assert [pair["sequence"] for pair in checked["repeats"]] == repeats.split()
    assert call("gallery", "remove", gallery, *repeats.split())[0] == 0
    alone = json.loads(call("gallery", "check", gallery, "--json")[1])["learned"]
    assert checked["learned"]["true_accepts"] * 18 <= alone["true_accepts"] * 16 + 2


def test_single_sequence_without_a_name_is_refused(gallery: Path, tmp_path: Path) -> None:
    (file,) = Path("maps/001/nm-01/000").glob("*.pkl")
    shutil.copy(file, tmp_path / "walk.pkl")
    for path in (tmp_path / "walk.pkl", file, file.parent):
        error = refusal("enroll", path, "--gallery", gallery, "--checkpoint", "c.pt", *CPU)
        assert error == (
            f"Error: --name: found none for {path}, expected a name: one sequence does not tell whose it is; pass the "
            "name of the person, as --name anna\n"
        )
    assert not gallery.exists()
    enroll(tmp_path / "walk.pkl", gallery, "--name", "anna", "--checkpoint", "c.pt")
    assert [name.split("/")[0] for name in names_in(gallery)] == ["anna"]


REFUSED_NAMES = ["", "a/b", "x\u200bz", "x" * 201]


@pytest.mark.parametrize("name", REFUSED_NAMES)
def test_name_that_cannot_be_used_is_refused(gallery: Path, name: str) -> None:
    assert "Error: --name: found " in refusal("enroll", "maps", "--gallery", gallery, "--name", name)
    assert not gallery.exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("maps/002", "--checkpoint", "other.pt"), "Error: other.pt: found not the checkpoint of "),
        (("other.h5",), "Error: other.h5: found the checkpoint "),
        (("plus.h5",), "Error: plus.h5: found the checkpoint "),
        (
            ("maps", "--name", "anna"),
            "Error: --name: found anna for 4 people (001, 002, 075, ...), expected sequences of",
        ),
        (("maps/002", "--set", "enroll.max_frames=5"), "found embeddings with max_frames 5, expected max_frames 720"),
        (("maps/002", "--set", "enroll.precision=bf16"), "precision bf16, expected precision float32, as in "),
        (("silhouettes",), "Error: silhouettes: found silhouettes, expected poses or maps for skeletongait"),
        (("none",), "Error: none: found no such file or folder"),
        (("maps", "--sequence", "001/x/0"), "Error: --sequence: found 001/x/0, expected a sequence in maps"),
    ],
)
def test_refused_enrollment_leaves_the_gallery_as_it_was(gallery: Path, args: tuple[object, ...], message: str) -> None:
    shutil.copy("gallery.h5", gallery)
    before = gallery.read_bytes()
    assert message in refusal("enroll", *args, "--gallery", gallery, *CPU)
    assert gallery.read_bytes() == before
    assert [path.name for path in gallery.parent.iterdir()] == [gallery.name]


def test_maps_of_other_settings_are_refused(gallery: Path, tmp_path: Path) -> None:
    shutil.copy("gallery.h5", gallery)
    shutil.copytree("maps/001", tmp_path / "wide" / "001")
    metadata = read_metadata(Path("maps"))
    assert metadata
    write_metadata(tmp_path / "wide", metadata._replace(settings={**metadata.settings, "sigma_px": 5.0}))
    error = refusal("enroll", tmp_path / "wide", "--gallery", gallery, *CPU)
    assert f"found maps drawn with sigma_px 5.0, expected sigma_px 8.0, as in {gallery}; draw the maps with" in error
    # `identify` refuses them in the same words.
    expected = error.replace("enroll", "identify")
    assert refusal("identify", tmp_path / "wide", "--gallery", gallery, *CPU) == expected
    wide = other_embeddings(tmp_path / "wide.h5", drawn={"sigma_px": 5.0})
    for args in ((wide,), ("gallery.h5", "--validation", wide)):
        error = refusal("identify", *args, "--gallery", gallery)
        assert f"{wide}: found maps drawn with sigma_px 5.0, expected sigma_px 8.0, as in {gallery}; draw " in error
    # Poses are drawn as the gallery needs them, whatever the settings are now.
    enroll("poses/002/nm-01", gallery, "--name", "anna", "--set", "heatmap.sigma_px=5")


def test_gallery_is_not_enrolled_into_itself(gallery: Path) -> None:
    enroll("gallery.h5", gallery)
    assert f"Error: PATH: found the gallery {gallery} itself" in refusal("enroll", gallery, "--gallery", gallery)


def test_new_gallery_needs_a_network(gallery: Path) -> None:
    assert "Error: runs/skeletongait" in refusal("enroll", "maps", "--gallery", gallery)
    assert not gallery.exists()


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_damaged_gallery_is_an_error_and_stays(gallery: Path, content: bytes) -> None:
    gallery.write_bytes(content)
    for args in (("enroll", "maps", "--gallery", gallery), ("gallery", "list", gallery), ("gallery", "check", gallery)):
        assert f"Error: {gallery}: found no embeddings (" in refusal(*args)
    assert gallery.read_bytes() == content


KILLED = """
import os, signal, sys
from pathlib import Path
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from skelgait.cli import main
main()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process")
def test_kill_while_writing_keeps_the_old_gallery(gallery: Path, tmp_path: Path) -> None:
    enroll(other_embeddings(tmp_path / "e.h5"), gallery)
    before = gallery.read_bytes()
    new = other_embeddings(tmp_path / "new.h5", seed=1)
    command = [sys.executable, "-c", KILLED, "enroll", str(new), "--gallery", str(gallery), *CPU]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert gallery.read_bytes() == before
    assert list(tmp_path.glob("*.partial")) or list(tmp_path.glob(".*.partial"))
    enroll(new, gallery)
    assert len(names_in(gallery)) == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.h5", "g.h5", "new.h5"]


def test_check_stores_the_threshold_that_identify_uses(gallery: Path) -> None:
    enroll("gallery.h5", gallery)
    code, out, _ = call("identify", "gallery.h5", "--gallery", gallery)
    assert (code, "known" in out.split("Threshold")[0]) == (0, False)
    assert f"run `skelgait gallery check {gallery}`" in out
    code, out, err = call("gallery", "check", gallery, "--false-accept", 0.25)
    assert code == 0
    assert "chosen for a false accept rate of 25 % (measured " in out
    assert "16 gallery sequences are too few for an FPIR of 1 % (at least 100)" in err
    threshold = open_gallery(gallery).threshold
    assert threshold
    report = json.loads(call("identify", "maps/001/nm-01/000", "--gallery", gallery, *CPU, "--json")[1])
    assert (report["threshold"], report["stored"]) == (threshold.value, vars(threshold))
    assert all(probe["accepted"] for probe in report["probes"])
    assert "chosen for a false accept rate of 25 %" in call("identify", "gallery.h5", "--gallery", gallery)[1]
    given = json.loads(call("identify", "gallery.h5", "--gallery", gallery, "--threshold", 0, "--json")[1])
    assert (given["threshold"], given["stored"]) == (0, None)
    flags = ["gallery.h5", "--gallery", str(gallery), "--distance", "cosine", "--json"]
    result = cli_runner().invoke(app, ["identify", *flags])
    assert f"{gallery}: its threshold is not used, it is of euclidean distances of embedding 1" in result.stderr
    assert json.loads(result.stdout)["threshold"] is None


def test_threshold_ends_with_every_change(gallery: Path, tmp_path: Path) -> None:
    enroll(other_embeddings(tmp_path / "e.h5", n=16), gallery)
    changes = (
        ("enroll", other_embeddings(tmp_path / "f.h5", seed=1), "--gallery", gallery),
        ("gallery", "remove", gallery, "001/nm-01/000"),
        ("gallery", "merge", gallery, other_embeddings(tmp_path / "h.h5", seed=2)),
    )
    for change in changes:
        assert call("gallery", "check", gallery)[0] == 0
        assert open_gallery(gallery).threshold
        assert call(*change)[0] == 0
        assert open_gallery(gallery).threshold is None


def test_unknown_probe_is_marked_in_table_csv_and_json(gallery: Path, tmp_path: Path) -> None:
    enroll("gallery.h5", gallery)
    assert call("gallery", "check", gallery, "--false-accept", 0.1)[0] == 0
    far = other_embeddings(tmp_path / "far.h5", n=2)
    code, out, _ = call("identify", far, "--gallery", gallery, "--out", tmp_path / "x.csv")
    header, _, *rows = out.splitlines()[2:6]
    assert code == 0
    assert header.split() == ["probe", "result", "person", "distance", "runner-up", "3.", "4."]
    assert [row.split()[1] for row in rows] == ["unknown", "unknown"]
    with (tmp_path / "x.csv").open(newline="") as file:
        assert [line["accepted"] for line in csv.DictReader(file) if line["rank"] == "1"] == ["false", "false"]
    assert "known" in call("identify", "gallery.h5", "--gallery", gallery)[1].splitlines()[4].split()


def test_one_person_has_no_threshold(gallery: Path) -> None:
    enroll(other_embeddings(gallery.with_name("e.h5")), gallery)
    before = gallery.read_bytes()
    error = refusal("gallery", "check", gallery)
    assert f"Error: {gallery}: found 1 person, expected at least two people" in error
    assert gallery.read_bytes() == before


def test_people_with_one_sequence_are_named_by_check(gallery: Path, tmp_path: Path) -> None:
    enroll("gallery.h5", gallery)
    enroll(other_embeddings(tmp_path / "e.h5", n=1), gallery, "--name", "anna")
    code, _, err = call("gallery", "check", gallery)
    assert (code, "1 people have one walk, so that their match is not tested: anna\n" in err) == (0, True)


def test_remove_takes_people_and_sequences_or_nothing(gallery: Path) -> None:
    enroll("gallery.h5", gallery)
    before, names = gallery.read_bytes(), names_in(gallery)
    error = refusal("gallery", "remove", gallery, "001", "anna")
    assert error == (
        f"Error: {gallery}: found no person or sequence anna, expected one in this gallery (001, 002, 075, 076); "
        f"see `skelgait gallery list {gallery}`\n"
    )
    assert "Error: gallery remove: found no name" in refusal("gallery", "remove", gallery)
    assert gallery.read_bytes() == before
    report = json.loads(call("gallery", "remove", gallery, "001", "002/nm-01/180", "--json")[1])
    removed = [name for name in names if name.startswith("001/") or name == "002/nm-01/180"]
    assert (report["sequences"], report["n_people"], report["n_sequences"]) == (removed, 3, 11)
    assert names_in(gallery) == [name for name in names if name not in removed]


def test_empty_gallery_can_be_listed_and_filled_again(gallery: Path) -> None:
    walks = other_embeddings(gallery.with_name("e.h5"))
    enroll(walks, gallery)
    assert call("gallery", "remove", gallery, "001")[0] == 0
    assert json.loads(call("gallery", "list", gallery, "--json")[1])["sequences"] == []
    assert "found 0 people, expected at least two people" in refusal("gallery", "check", gallery)
    assert "the gallery: found no sequence" in refusal("identify", walks, "--gallery", gallery)
    assert "(nobody)" in refusal("gallery", "remove", gallery, "001")
    enroll(walks, gallery)
    assert len(names_in(gallery)) == 4


def whole(gallery: Path) -> tuple[Gallery, np.ndarray, np.ndarray]:
    content = open_gallery(gallery)
    return content, content.rows.embedding_1[:], content.rows.embedding_2[:]  # type: ignore[return-value]


def test_merge_keeps_origins_and_leaves_out_what_is_known(gallery: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.h5"
    enroll(other_embeddings(tmp_path / "e.h5"), gallery)
    enroll(tmp_path / "e.h5", other)
    enroll(other_embeddings(tmp_path / "f.h5", n=16, seed=1), other)
    assert len(names_in(other)) == 20
    first, second = whole(gallery), whole(other)
    code, out, err = call("gallery", "merge", gallery, other, "--json")
    assert (code, err) == (0, "")
    report, merged = json.loads(out), whole(gallery)
    assert (len(report["sequences"]), len(report["known"]), report["n_people"]) == (16, 4, 4)
    assert merged[0].rows.keys == second[0].rows.keys
    assert merged[0].rows.origins == [*first[0].rows.origins, *second[0].rows.origins[4:]]
    for found, expected in zip(merged[1:], second[1:], strict=True):
        np.testing.assert_array_equal(found, expected)
    assert whole(other)[0].rows.origins == second[0].rows.origins


def test_merged_people_of_one_name_are_one_person_with_a_warning(gallery: Path, tmp_path: Path) -> None:
    for seed, path in enumerate((gallery, tmp_path / "b.h5", tmp_path / "c.h5")):
        enroll(other_embeddings(tmp_path / "e.h5", n=1, seed=seed), path, "--name", "anna")
    code, _, err = call("gallery", "merge", gallery, tmp_path / "b.h5", tmp_path / "c.h5")
    assert (code, err) == (0, "Warning: anna is in both galleries, and is taken for one person\n")
    assert names_in(gallery) == ["anna/bg-01/000", "anna/bg-01/000-2", "anna/bg-01/000-3"]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"checkpoint_sha256": "0" * 64}, "found the checkpoint 000000000000..., expected "),
        ({"drawn": {"sigma_px": 3.0}}, "found maps drawn with sigma_px 3.0, expected sigma_px 8.0"),
        ({"max_frames": 9}, "found embeddings with max_frames 9, expected max_frames 720"),
    ],
)
def test_merge_of_another_network_or_other_maps_is_refused(
    gallery: Path, tmp_path: Path, facts: dict[str, object], message: str
) -> None:
    enroll("gallery.h5", gallery)
    before = gallery.read_bytes()
    fine, other = other_embeddings(tmp_path / "e.h5"), other_embeddings(tmp_path / "f.h5", **facts)
    assert message in refusal("gallery", "merge", gallery, fine, other)
    assert "Error: gallery merge: found no other gallery" in refusal("gallery", "merge", gallery)
    assert gallery.read_bytes() == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("show", "g.h5"),
            "Error: ACTION: found show, expected list, check, remove or merge; run `skelgait gallery list",
        ),
        (
            ("list", "g.h5", "anna"),
            "Error: gallery list: found g.h5 anna, expected one gallery; run `skelgait gal",
        ),
        (("check", "none.h5"), "Error: none.h5: found no such file, expected a gallery"),
        (("remove", "none.h5", "a"), "Error: none.h5: found no such file, expected a gallery"),
        (("merge", "gallery.h5", "none.h5"), "Error: none.h5: found no such file, expected a gallery"),
    ],
)
def test_wrong_arguments_are_one_line(embedded: Path, args: tuple[str, ...], message: str) -> None:
    before = (embedded / "gallery.h5").read_bytes()
    assert message in refusal("gallery", *args)
    assert (embedded / "gallery.h5").read_bytes() == before
