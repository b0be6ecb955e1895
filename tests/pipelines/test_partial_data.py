"""Listed people that are missing on disk: said by `train`, `evaluate` and `embed`, and no difference to published."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from tests.cli.test_cli import call
from tests.pipelines.test_resume_settings import SMALL
from tests.synthetic_data import write_random_maps

TRAIN, TEST = ["000", "001", "002"], ["003", "004"]
PROTOCOL = {
    "name": "own",
    "tables": [{"title": "All", "kind": "pooled", "groups": [{"name": "G", "probes": ["n"], "gallery": ["n"]}]}],
    "published": [{"network": "skeletongait", "source": "our paper", "values": {"G": 50}}],
}
MISSING_TRAIN = "1 of 4 listed training people are missing on disk (900)"
MISSING_TEST = "4 of 6 listed test people are missing on disk (901, 902, 903, ...)"


def write_partition(train: list[str], test: list[str]) -> None:
    Path("partition.json").write_text(json.dumps({"TRAIN_SET": train, "TEST_SET": test}))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a workspace with five people on disk."""
    folder = tmp_path_factory.mktemp("partial")
    write_random_maps(folder / "maps", identities=5)
    (folder / "own.yaml").write_text(json.dumps(PROTOCOL))
    settings = {"partition": "partition.json", "train": SMALL, "evaluate": {"protocol": "own.yaml", "device": "cpu"}}
    (folder / "skelgait.yaml").write_text(json.dumps({**settings, "embed": {"device": "cpu"}}))
    return folder


def test_missing_people_are_said_and_hide_the_difference(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(workspace)
    write_partition([*TRAIN, "900"], TEST)
    logger = logging.getLogger("skelgait.pipelines.train")
    logger.addHandler(caplog.handler)
    code, out, err = call("train", "--json")
    logger.removeHandler(caplog.handler)
    assert code == 0, err
    assert MISSING_TRAIN in caplog.text
    missing = {"role": "training", "number": 1, "listed": 4, "first": ["900"]}
    assert json.loads(out)["missing"] == missing

    code, out, err = call("evaluate")
    assert code == 0, err
    assert "missing on disk" not in err
    assert ("published" in out, "difference" in out, "our paper" in out) == (True, True, True)
    report = json.loads((workspace / "runs/skeletongait/report/report.json").read_text())
    assert (report["missing"], report["incomparable"]) == (None, [])

    write_partition(TRAIN, [*TEST, "901", "902", "903", "904"])
    code, out, err = call("evaluate", "--pictures")
    assert code == 0, err
    assert MISSING_TEST in err
    assert "no difference to published results: test people are missing" in " ".join(err.split())
    assert ("published" in out, "difference" in out, "our paper" in out) == (True, False, True)
    folder = workspace / "runs/skeletongait/report"
    report = json.loads((folder / "report.json").read_text())
    assert report["missing"] == {"role": "test", "number": 4, "listed": 6, "first": ["901", "902", "903"]}
    assert report["incomparable"] == ["test people are missing"]
    assert MISSING_TEST in (folder / "report.html").read_text()
    assert MISSING_TEST in (folder / "report.md").read_text().replace("\\", "")

    code, out, err = call("embed", "--identities", "test", "--out", "e.h5")
    assert code == 0, err
    assert MISSING_TEST in err
    code, out, err = call("embed", "--identities", "train", "--out", "t.h5", "--json")
    assert json.loads(out)["missing"] is None
    code, out, err = call("evaluate", "--embeddings", "e.h5")
    assert MISSING_TEST in err
    assert "difference" not in out
