"""`skelgait poses` with several people: the walker, all people, one person, the report, and warnings."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skelgait.cli import app
from skelgait.storage import Key, open_source
from tests.commands import cli_runner
from tests.raw.poses import crowds
from tests.raw.poses.crowds import Crowd, crowd

FRAMES = 40
# The first person is the largest, and walks; the third passes by in few frames.
PEOPLE = crowd(
    [crowds.Path(400, 5), crowds.Path(1500, -5, 0.7), crowds.Path(900, 0, 0.6)],
    FRAMES,
    hidden={0: (10, 11), 2: range(12, FRAMES)},
)
KEY = Key("anna", "nm", "000")


@pytest.fixture(autouse=True)
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mmpose(scene: Crowd, ids: Sequence[Sequence[int]] | None, key: Key = KEY) -> Path:
    """Write a video as MMPose does; return the folder of all videos."""
    frames = [
        {
            "frame_id": t + 1,
            "instances": [
                {"keypoints": joints[:, :2].tolist(), "keypoint_scores": joints[:, 2].tolist()}
                | ({} if ids is None else {"track_id": ids[t][person]})
                for person, joints in enumerate(people)
            ],
        }
        for t, people in enumerate(scene.people)
    ]
    folder = Path("videos", *key[:2])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{key.view}.json").write_text(json.dumps({"meta_info": {}, "instance_info": frames}))
    return Path("videos")


def ids_of(scene: Crowd) -> list[list[int]]:
    return [[n + 5 for n in frame] for frame in scene.truth]


def call(*args: object) -> tuple[int, str, str]:
    result = cli_runner().invoke(app, [*map(str, args)])
    return result.exit_code, result.stdout, result.stderr


def write_poses(source: Path, *flags: object) -> dict[str, Any]:
    code, out, err = call("poses", source, *flags, "--names", "{identity}/{condition}/{view}", "--workers", 1, "--json")
    assert code == 0, err
    return dict(json.loads(out))


def sequences(folder: str = "poses") -> dict[str, tuple[np.ndarray, list[str] | None]]:
    source = open_source(Path(folder), "pose")
    return {key.view: (np.asarray(source.read(key)[0]), source.frame_names(key)) for key in source.keys}


def report_rows() -> list[dict[str, str]]:
    with Path("poses", "report.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def person(scene: Crowd, number: int) -> tuple[np.ndarray, list[str]]:
    """Return the joints of a person, and the names of the frames."""
    frames = [t for t, truth in enumerate(scene.truth) if number in truth]
    joints = np.array([scene.people[t][scene.truth[t].index(number)] for t in frames])
    return joints, [str(t + 1) for t in frames]


@pytest.mark.parametrize("with_ids", [False, True])
def test_walker_is_written_without_the_frames_of_others(with_ids: bool) -> None:
    counted = write_poses(mmpose(PEOPLE, ids_of(PEOPLE) if with_ids else None))
    joints, names = person(PEOPLE, 0)
    assert sequences().keys() == {"000"}
    np.testing.assert_array_equal(sequences()["000"][0], joints)
    assert sequences()["000"][1] == names
    assert (counted["frames"], counted["without_walker"], counted["no_person"]) == (FRAMES - 2, 2, 0)
    assert (counted["tracks"], counted["joins"], counted["jumps"]) == (3, 0, 0)


def test_all_people_become_sequences_of_their_own() -> None:
    write_poses(mmpose(PEOPLE, None), "--people", "all")
    written = sequences()
    assert written.keys() == {"000-p1", "000-p2"}  # the third has 12 frames
    for number, view in enumerate(("000-p1", "000-p2")):
        np.testing.assert_array_equal(written[view][0], person(PEOPLE, number)[0])
        assert written[view][1] == person(PEOPLE, number)[1]
    write_poses(Path("videos"), "--people", "all", "--min-frames", 12, "--overwrite")
    assert sequences().keys() == {"000-p1", "000-p2", "000-p3"}
    np.testing.assert_array_equal(sequences()["000-p3"][0], person(PEOPLE, 2)[0])


def test_all_people_are_the_same_with_any_number_of_workers_and_when_resumed() -> None:
    mmpose(PEOPLE, None, Key("ben", "nm", "090"))
    source = mmpose(PEOPLE, None)
    flags = ("--people", "all", "--names", "{identity}/{condition}/{view}", "--json")
    first = json.loads(call("poses", source, *flags, "--workers", 2)[1])
    report = Path("poses", "report.csv").read_bytes()
    second = json.loads(call("poses", source, *flags, "--workers", 1)[1])
    assert (first["sequences"], first["skipped"], second["sequences"], second["skipped"]) == (4, 0, 0, 4)
    assert Path("poses", "report.csv").read_bytes() == report


@pytest.mark.parametrize(("flag", "number"), [("6", 1), ("p2", 1), ("p3", 2), ("5", 0)])
def test_person_is_selected_by_id_or_number(flag: str, number: int) -> None:
    write_poses(mmpose(PEOPLE, ids_of(PEOPLE)), "--person", flag)
    np.testing.assert_array_equal(sequences()["000"][0], person(PEOPLE, number)[0])
    (row,) = report_rows()
    assert (row["choice"], row["certainty"]) == ("person", "")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--person", "9"), "found no person 9, expected --person 5, 6, 7, or p1 to p3; look at them with"),
        (("--person", "p4"), "found no person p4, expected --person 5, 6, 7, or p1 to p3"),
        (("--person", "p0"), "found no person p0"),
        (("--person", "anna"), "person"),
        (("--person", "5", "--people", "all"), "--person: found 5 and --people all, expected one of them"),
        (("--people", "all", "--min-frames", "41"), "found no person in at least 41 frames, expected"),
    ],
)
def test_missing_person_is_refused(flags: tuple[str, ...], message: str) -> None:
    code, _, err = call("poses", mmpose(PEOPLE, ids_of(PEOPLE)), *flags, "--workers", 1)
    assert code in (1, 2)
    assert message in err
    assert not list(Path().rglob("*.pkl"))


def test_report_lists_people_tracks_and_choice() -> None:
    ids = [[n + 5 + 10 * (n == 0 and t >= 20) for n in frame] for t, frame in enumerate(PEOPLE.truth)]
    write_poses(mmpose(PEOPLE, ids))
    (row,) = report_rows()
    assert row == {
        "identity": "anna", "condition": "nm", "view": "000", "outcome": "written", "frames_in_file": "40",
        "frames_with_people": "40", "frames_written": "38", "tracks": "3", "joins": "1", "splits": "0", "jumps": "0",
        "choice": "track", "certainty": row["certainty"], "reason": "",
    }  # fmt: skip
    assert 0.55 < float(row["certainty"]) < 0.75
    mmpose(Crowd([frame[:1] for frame in PEOPLE.people[:5]], []), None, Key("ben", "nm", "000"))
    mmpose(Crowd([frame[:0] for frame in PEOPLE.people], []), None, Key("carl", "nm", "000"))
    mmpose(crowd([crowds.Path(300, 5)], 20), None, Key("dora", "nm", "000"))
    call("poses", "videos", "--names", "{identity}/{condition}/{view}", "--workers", 1)
    rows = {row["identity"]: row for row in report_rows()}
    assert rows["anna"]["joins"] == "1"  # skipped: from the report before
    assert "no person in any of 40 frames" in rows["carl"]["reason"]
    assert (rows["carl"]["outcome"], rows["dora"]["choice"], rows["dora"]["certainty"]) == (
        "failed", "only person", "1.000",
    )  # fmt: skip


def test_uncertain_walker_is_named_in_a_warning() -> None:
    twins = crowd([crowds.Path(300, 5), crowds.Path(1500, -5)], FRAMES)
    code, _, err = call("poses", mmpose(twins, None), "--workers", 1)
    assert code == 0
    assert (
        "1 sequences with two people of similar prominence (certainty below 0.6), such as anna/nm/000; look at" in err
    )


def test_inspect_draws_the_tracks() -> None:
    pytest.importorskip("matplotlib")
    source = mmpose(PEOPLE, ids_of(PEOPLE))
    code, out, err = call("inspect", source, "--pictures")
    assert code == 0, err
    assert "pictures" in out
    picture = Path("previews", "anna_nm_000_tracks.png")
    assert picture.read_bytes()[:4] == b"\x89PNG"
    facts = json.loads(call("inspect", source, "--json")[1])["facts"]
    assert facts["people with at least 15 frames"] == "2 to 2 per sequence"
    assert "pictures" not in facts
    assert facts["least certain walker"].startswith("anna/nm/000 (certainty 0.")


def test_pictures_of_other_content_are_refused() -> None:
    write_poses(mmpose(PEOPLE, None))
    code, _, err = call("inspect", "poses", "--pictures")
    assert code == 1
    assert "--pictures: found a pickle tree of poses" in err
    assert "skelgait show poses" in err
