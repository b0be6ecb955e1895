"""Descriptions and partitions of the datasets."""

from __future__ import annotations

import hashlib
import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from skelgait.datasets import DATASETS, find_dataset, load_partition
from skelgait.errors import DataError, SettingsError

COUNTS = {
    "CCPG": (100, 100, 0),
    "OUMVLP": (5153, 5154, 0),
    "SUSTech1K": (250, 800, 0),
    "Gait3D": (3000, 1000, 1000),
    "GREW": (20000, 6001, 0),
    "CASIA-B": (74, 50, 0),
}
# First digits of a hash over the sorted identities to train on, and over the probes.
SUMS = {"SUSTech1K": ("300dd4", "e3b0c4"), "Gait3D": ("f07c83", "815e97")}


@pytest.mark.parametrize("name", DATASETS)
def test_partition_sizes(name: str) -> None:
    partition = DATASETS[name].partition()
    assert (len(partition.train), len(partition.test), len(partition.probes)) == COUNTS[name]
    assert not partition.train & partition.test


@pytest.mark.parametrize("name", DATASETS)
def test_partitions_equal_official_files(partitions: Path, name: str) -> None:
    assert DATASETS[name].partition() == load_partition(partitions / f"{name}.json")


def _sum(names: object) -> str:
    return hashlib.sha256("\n".join(sorted(map(str, names))).encode()).hexdigest()[:6]  # type: ignore[call-overload]


@pytest.mark.parametrize("name", ["SUSTech1K", "Gait3D"])
def test_packed_partitions_are_complete(name: str) -> None:
    partition = DATASETS[name].partition()
    assert (_sum(partition.train), _sum("-".join(p) for p in partition.probes)) == SUMS[name]


@pytest.mark.parametrize(
    ("spelling", "name"), [("ccpg", "CCPG"), ("OU-MVLP", "OUMVLP"), ("oumvlp", "OUMVLP"), ("casiab", "CASIA-B")]
)
def test_aliases_in_any_case(spelling: str, name: str) -> None:
    assert find_dataset(spelling).name == name


def test_unknown_name_suggests_similar_name() -> None:
    with pytest.raises(SettingsError, match=r"--dataset: found gait3, expected one of .*; did you mean Gait3D\?"):
        find_dataset("gait3")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "found no JSON"),
        ("[]", "no list of strings under TRAIN_SET"),
        ('{"TRAIN_SET": ["1"]}', "no list of strings under TEST_SET"),
        ('{"TRAIN_SET": ["1"], "TEST_SET": [2]}', "no list of strings under TEST_SET"),
        ('{"TRAIN_SET": ["1", "2"], "TEST_SET": ["2"]}', "found 2 in both"),
        ('{"TRAIN_SET": [], "TEST_SET": ["2"], "PROBE_SET": ["2-a"]}', "found the probe 2-a"),
        ('{"TRAIN_SET": [], "TEST_SET": ["2"], "VAL_SET": "3"}', "no list of strings under VAL_SET"),
        ('{"TRAIN_SET": ["1"], "TEST_SET": ["2"], "VAL_SET": ["2"]}', "found 2 in both TEST_SET and VAL_SET"),
        ('{"TRAIN_SET": ["1"], "TEST_SET": ["2"], "VAL_SET": ["1"]}', "found 1 in both TRAIN_SET and VAL_SET"),
    ],
)
def test_unusable_partition_file_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(DataError, match=message):
        load_partition(tmp_path / "p.json")


def test_partition_file_is_read(tmp_path: Path) -> None:
    content = {"TRAIN_SET": ["a"], "TEST_SET": ["b"], "PROBE_SET": ["b-c1-v2"], "VAL_SET": ["c"]}
    (tmp_path / "p.json").write_text(json.dumps(content))
    partition = load_partition(tmp_path / "p.json")
    assert (partition.train, partition.test, partition.validation) == ({"a"}, {"b"}, {"c"})
    assert partition.probes == {("b", "c1", "v2")}


@pytest.mark.parametrize("name", ["OUMVLP", "SUSTech1K", "GREW", "CASIA-B"])
def test_first_two_sequences_are_a_probe_and_a_gallery_entry(name: str) -> None:
    dataset = DATASETS[name]
    group, walks = dataset.protocol.tables[0].groups[0], dataset.synthetic_layout.conditions["normal"][:2]
    for patterns in (group.probes, group.gallery):
        assert sum(fnmatchcase(walk, pattern) for walk in walks for pattern in patterns) == 1


def test_published_metrics_belong_to_groups_of_the_first_table() -> None:
    for dataset in DATASETS.values():
        groups = {group.name for group in dataset.protocol.tables[0].groups}
        for metrics in dataset.protocol.published.values():
            assert set(metrics) == groups
            assert all(0 < metric < 1 for metric in metrics.values())
