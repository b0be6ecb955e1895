"""`skelgait protocol`, and evaluation under a protocol file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from skelgait.datasets import DATASETS, custom_protocol, find_dataset
from skelgait.opengait.weights import to_opengait
from skelgait.settings import protocol_to_yaml, read_protocol
from tests.checkpoints.checkpoint_files import SMALL, write_opengait
from tests.cli.test_cli import call
from tests.synthetic_data import write_dataset


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", DATASETS)
def test_built_in_protocol_as_a_file_is_read_back(tmp_path: Path, name: str) -> None:
    code, out, err = call("protocol", name)
    assert (code, err) == (0, "")
    (tmp_path / "p.yaml").write_text(out)
    assert read_protocol(tmp_path / "p.yaml") == find_dataset(name).protocol
    assert call("protocol", "p.yaml") == (0, out, "")
    as_json = json.loads(call("protocol", "p.yaml", "--json")[1])
    assert as_json == json.loads(json.dumps(asdict(find_dataset(name).protocol)))


def test_custom_protocol_comes_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "skelgait.yaml").write_text("evaluate: {gallery: [nm-01], probes: {Bag: ['bg-*']}}\n")
    assert call("protocol", "custom")[1] == protocol_to_yaml(custom_protocol(["nm-01"], {"Bag": ["bg-*"]}))


def test_copy_of_a_protocol_gives_the_same_report(tmp_path: Path) -> None:
    write_dataset(tmp_path, people=4)
    assert call("heatmap", "--workers", 1)[0] == 0
    torch.manual_seed(0)
    write_opengait(tmp_path / "c.pt", to_opengait(SMALL.build().state_dict()))
    (tmp_path / "mine.yaml").write_text(call("protocol", "CASIA-B")[1])
    common = ("--checkpoint", "c.pt", "--partition", "partition.json", "--device", "cpu", "--json")
    reports = []
    for protocol in ("CASIA-B", "mine.yaml"):
        code, out, err = call("evaluate", "--protocol", protocol, *common)
        assert (code, err) == (0, "")
        reports.append(json.loads(out))
        del reports[-1]["origin"]["date"]
    assert reports[0] == reports[1]
    assert reports[0]["tables"][0]["groups"][1]["n_probes"] > 0


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("none.yaml", "Error: none.yaml: found No such file or directory, expected a YAML file; check the path"),
        ("empty.yml", "Error: empty.yml: name: is missing\nempty.yml: tables: is missing\n"),
        (
            "ours",
            "custom, verification, open-set; choose one of them, or pass a file that ends in .yaml (found 'ours')",
        ),
    ],
)
def test_unknown_protocol_is_refused(tmp_path: Path, protocol: str, message: str) -> None:
    (tmp_path / "empty.yml").write_text("")
    code, out, err = call("protocol", protocol)
    assert (code, out) == (1, "")
    assert message in err
