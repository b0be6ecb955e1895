"""Names from every place: what would be lost, or act on a terminal, is refused with the name made visible."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.errors import DataError
from skelgait.storage import Key, PickleTreeWriter, open_source
from skelgait.storage.names import check_frame_names, name_problem
from skelgait.storage.shards import write_keys
from tests.commands import cli_runner

POSE = np.random.default_rng(0).uniform(0.1, 1, (4, 17, 3)).astype(np.float32) * np.float32([400, 400, 1])
REFUSED = {
    "reserved": ".frame_names",
    "hidden": ".001",
    "escape": "a\x1b[31mb",
    "line break": "a\nb",
    "direction": "a\u202eb",
    "isolate": "a\u2066b",
    "zero width": "a\u200bb",
    "line separator": "a\u2028b",
    "C1": "a\x9bb",
    "long": "x" * 201,
    "long in bytes": "歩" * 70,
}
FOLDER_ONLY = {"not UTF-8": os.fsdecode(b"a\xffb")}
FILE_ONLY = {"empty": "", "parent": "..", "slash": "a/b", "backslash": "a\\b", "NUL": "a\0b"}
USABLE = ["001", "anna müller", "歩行", "a.b", "nm-01", "x" * 200, "[red]a[b]", "<b>", "CON", "a'b\"", "می\u200cرود"]


def call(*args: object) -> tuple[int, str, str]:
    result = cli_runner().invoke(app, [str(arg) for arg in args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def assert_refused(code: int, stdout: str, stderr: str, name: str) -> None:
    assert code == 1
    text = stdout + stderr
    assert all(line.isprintable() for line in text.split("\n")), text
    assert "found the name" in text or "found a name of" in text
    if len(name) < 50:
        assert name.encode("unicode_escape").decode() in text.replace("歩", r"\u6b69")


@pytest.mark.parametrize("name", [*REFUSED.values(), *FOLDER_ONLY.values(), *FILE_ONLY.values()])
def test_name_has_a_problem(name: str) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", USABLE)
def test_name_is_usable(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize("kind", [kind for kind in {**REFUSED, **FOLDER_ONLY} if kind not in ("reserved",)])
def test_folder_in_a_tree_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    name = {**REFUSED, **FOLDER_ONLY}[kind]
    folder = tmp_path / "tree" / name / "nm-01" / "090"
    folder.mkdir(parents=True)
    (folder / "090.pkl").write_bytes(pickle.dumps(POSE))
    for command in (("convert", "tree", "out"), ("heatmap", "--poses", "tree", "--workers", 1)):
        assert_refused(*call(*command), name)
    if kind != "hidden":  # hidden folders of raw data are skipped
        assert_refused(*call("poses", "tree", "--poses", "out", "--workers", 1, "--layout", "pickles"), name)


@pytest.mark.parametrize("kind", ["reserved", "hidden", "escape", "direction"])
def test_name_in_a_json_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    person = {"keypoints": POSE[0].ravel().tolist(), "score": 1.0}
    people = [{**person, "image_id": f"{REFUSED[kind]}/nm-01/090/{n}.jpg"} for n in range(3)]
    Path("alphapose.json").write_text(json.dumps(people))
    code, out, err = call("poses", "alphapose.json", "--layout", "alphapose", "--workers", 1)
    assert code == 1
    assert (out + err).replace("\n", "").isprintable()
    assert not list(Path("poses").rglob("*.pkl"))


@pytest.mark.parametrize("name", [*REFUSED.values(), *FOLDER_ONLY.values(), *FILE_ONLY.values()])
def test_writers_refuse_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError):
        PickleTreeWriter(tmp_path / "tree").write(Key(name, "nm-01", "090"), POSE)
    with pytest.raises(DataError):
        write_keys(None, [Key("001", name, "090")])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a\nb", "\ud800", "a\x1bb"])
def test_frame_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="of a frame, expected frame names"):
        check_frame_names(["1", name], "001/nm-01/090")


@pytest.mark.parametrize("name", USABLE)
def test_usable_name_survives_conversion_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    key = Key(name, name, name)
    PickleTreeWriter("tree").write(key, POSE, frame_names=["a", "b", "c", name])
    assert call("convert", "tree", "store", "--workers", 1)[0] == 0
    code, out, err = call("convert", "store", "back", "--workers", 1)
    assert code == 0, err
    source = open_source("back", "pose")
    assert list(source.keys) == [key]
    assert source.frame_names(key) == ["a", "b", "c", name]
    code, out, err = call("show", "back", "--json")
    assert code == 0, err
    assert json.loads(out)["sequence"] == str(key)
    assert str(key) in call("show", "back")[1] or "\u200c" in name


@pytest.mark.parametrize("name", ["../x", "a/b", ".", "", "a\x1bb", "x" * 300, ".hidden"])
def test_run_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = call("config", "--set", f"train.run_name={json.dumps(name)}")
    assert code == 1
    assert "train.run_name: should be a folder name of visible characters" in err
    assert err.replace("\n", "").isprintable()


def test_folder_outside_of_utf8_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / os.fsdecode(b"work\xff")
    folder.mkdir()
    monkeypatch.chdir(folder)
    PickleTreeWriter(folder / "tree").write(Key("001", "nm-01", "090"), POSE)
    for source, out in (("tree", "store"), ("store", "back")):
        code, _, err = call("convert", folder / source, folder / out, "--workers", 1)
        assert code == 0, err
        code, out_text, err = call("convert", folder / source, folder / out, "--workers", 1, "--json")
        assert (code, json.loads(out_text)["skipped"]) == (0, 1), err
    code, out_text, _ = call("inspect", folder / "tree")
    assert code == 0
    assert r"work\udcff" in out_text


def test_tables_of_names_in_markup_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    PickleTreeWriter("tree").write(Key("[red]a", "[b]", "[dim]"), POSE)
    code, out, _ = call("show", "tree")
    assert code == 0
    assert "[red]a/[b]/[dim]" in out


def test_names_of_a_protocol_are_printable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(
        'name: "a\\e[31mb\\u202e"\ntables:\n- title: "t\\u202e"\n  kind: ranks\n  groups:\n'
        '  - {name: "g\\e", probes: ["*"], gallery: ["*"]}\n'
    )
    for flags in ((), ("--json",)):
        _, out, err = call("protocol", "mine.yaml", *flags)
        assert all(line.isprintable() for line in (out + err).split("\n"))
