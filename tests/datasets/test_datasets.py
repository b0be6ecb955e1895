"""Descriptions and partitions of the datasets."""

from __future__ import annotations

import hashlib
import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from skelgait.datasets import DATASETS, find_dataset, load_partition
from skelgait.datasets.identities import MissingPeople, find_missing
from skelgait.datasets.protocol import MODEL_ZOO, PAPER, PAPER_AND_PAGE
from skelgait.errors import DataError, SettingsError
from skelgait.storage import Key

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


def test_published_values_belong_to_groups_and_metrics_of_a_table() -> None:
    for dataset in DATASETS.values():
        tables = {table.title: table for table in dataset.protocol.tables}
        for result in dataset.protocol.published:
            table = tables[result.table] if result.table else dataset.protocol.tables[0]
            assert set(result.values) <= {group.name for group in table.groups}
            assert result.metric in table.metrics
            assert all(0 < value < 1 for value in result.values.values())
            assert result.source


@pytest.mark.parametrize(
    ("name", "network", "group", "values"),
    [
        ("CCPG", "skeletongait", "CL", [(PAPER_AND_PAGE, "", "rank_1", 0.524)]),
        (
            "CCPG", "skeletongait++", "BG",
            [
                (PAPER_AND_PAGE, "", "rank_1", 0.97),
                (
                    "later paper, by the gait protocol", "Gait style: by view pair, identical views left out",
                    "rank_1", 0.899,
                ),
            ],
        ),
        (
            "SUSTech1K", "skeletongait++", "Overall",
            [
                (PAPER_AND_PAGE, "", "rank_1", 0.8133),
                (f"{MODEL_ZOO}, SkeletonGaitPP_30_DA-50000.pt", "", "rank_1", 0.856),
                (f"{MODEL_ZOO}, SkeletonGaitPP_30_DA-50000.pt", "", "rank_5", 0.95),
            ],
        ),
        (
            "Gait3D", "skeletongait++", "Gait3D",
            [(PAPER_AND_PAGE, "", "rank_1", 0.774), (MODEL_ZOO, "", "rank_1", 0.776)],
        ),
        ("GREW", "skeletongait++", "GREW", [(PAPER_AND_PAGE, "", "rank_1", 0.8704), (MODEL_ZOO, "", "rank_1", 0.858)]),
        ("OUMVLP", "skeletongait", "NM", [(PAPER, "", "rank_1", 0.674)]),
    ],
)  # fmt: skip
def test_every_published_value_has_its_source(
    name: str, network: str, group: str, values: list[tuple[str, str, str, float]]
) -> None:
    results = [result for result in DATASETS[name].protocol.published if result.network == network]
    found = [(r.source, r.table, r.metric, round(r.values[group], 6)) for r in results if group in r.values]
    assert found == values


def test_missing_people_are_named() -> None:
    keys = [Key("2", "nm", "000"), Key("2", "bg", "000"), Key("9", "nm", "000")]
    assert find_missing(keys, {"2", "9"}, "test") is None
    missing = find_missing(keys, {"1", "2", "3", "4", "5"}, "test")
    assert missing == MissingPeople("test", 4, 5, ("1", "3", "4"))
    assert str(missing) == "4 of 5 listed test people are missing on disk (1, 3, 4, ...)"
    assert str(find_missing(keys, {"2", "3"}, "training")) == ("1 of 2 listed training people are missing on disk (3)")
