"""YAML files of protocols: round trip and error messages."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from skelgait.datasets import DATASETS, Group, Protocol, PublishedResult, Table, custom_protocol
from skelgait.datasets.custom import OPEN_SET_METRICS
from skelgait.errors import SettingsError
from skelgait.settings import protocol_to_yaml, read_protocol

SMALLEST = "name: n\ntables: [{title: t, kind: pooled, groups: [{name: G, probes: [a], gallery: [b]}]}]\n"


def read(folder: Path, text: str) -> Protocol:
    (folder / "p.yaml").write_text(text, encoding="utf-8")
    return read_protocol(folder / "p.yaml")


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(SettingsError) as error:
        read(folder, text)
    return str(error.value).splitlines()


def one_group(group: str) -> str:
    return f"name: n\ntables:\n- title: t\n  kind: pooled\n  groups:\n  - {group}\n"


@pytest.mark.parametrize("name", DATASETS)
def test_built_in_protocols_are_read_back(tmp_path: Path, name: str) -> None:
    protocol = DATASETS[name].protocol
    text = protocol_to_yaml(protocol)
    assert read(tmp_path, text) == protocol
    assert "&id" not in text


def test_open_set_has_default_metrics_and_is_read_back(tmp_path: Path) -> None:
    protocol = read(tmp_path, SMALLEST.replace("pooled", "open_set, not_enrolled: 0.25, draws: 3"))
    (table,) = protocol.tables
    assert (table.metrics, table.not_enrolled, table.draws) == (OPEN_SET_METRICS, 0.25, 3)
    assert read(tmp_path, protocol_to_yaml(protocol)) == protocol


@pytest.mark.parametrize("odd", ["", "00", "1e5", "5E-4", ".5e1", "no", "~", "2026-05-01", "*", "a: b", "Ü", " x "])
def test_strings_that_look_like_numbers_or_dates_are_read_back(tmp_path: Path, odd: str) -> None:
    group = Group(odd, (odd, "b*"), (odd,))
    protocol = Protocol(odd, (Table(odd, "view_pairs", (group,), identical_views="only"),))
    published = Protocol(odd, protocol.tables, published=(PublishedResult("skeletongait", odd, {odd: 0.5337}),))
    for one in (protocol, published, custom_protocol([odd], {odd: [odd]})):
        assert read(tmp_path, protocol_to_yaml(one)) == one


def test_smallest_file_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST) == Protocol("n", (Table("t", "pooled", (Group("G", ("a",), ("b",)),)),))


def test_probes_are_optional(tmp_path: Path) -> None:
    assert read(tmp_path, one_group("{name: G, gallery: ['*']}")).tables[0].groups == (Group("G", (), ("*",)),)


def test_published_metrics_are_in_percent(tmp_path: Path) -> None:
    text = f"{SMALLEST}published: [{{network: skeletongait++, source: our paper, values: {{G: 77.40}}}}]\n"
    assert read(tmp_path, text).published == (PublishedResult("skeletongait++", "our paper", {"G": 0.774}),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["name: is missing", "tables: is missing"]),
        ("name: n\ntables: []\n", ["tables: should have at least one table"]),
        ("name: n\ntables:\n", ["tables: should be a list: put it in [ ]"]),
        ("name: n\ntables: [3]\n", ["tables.0: should have keys and values (found 3)"]),
        ("name: n\ntables: [{title: t, kind: pooled, groups: []}]\n", ["tables.0.groups: should not be empty"]),
        (
            SMALLEST.replace("pooled", "pool"),
            [
                "tables.0.kind: should be 'view_pairs', 'cross_view_gallery', 'pooled', 'verification' or 'open_set' "
                "(found 'pool'); did you mean pooled?"
            ],
        ),
        (
            SMALLEST.replace("kind: pooled", "kind: pooled, metrics: []"),
            ["tables.0.metrics: should not be empty"],
        ),
        (
            SMALLEST.replace("kind: pooled", "kind: pooled, identical_views: 3, unmatched_are_wrong: 1"),
            [
                "tables.0.identical_views: should be True, False or 'only' (found 3)",
                "tables.0.unmatched_are_wrong: should be a valid boolean (found 1)",
            ],
        ),
        (
            SMALLEST.replace("kind: pooled", "kind: pooled, metrics: [rank_1, eer]"),
            ["tables.0.metrics: should be a metric of kind pooled, such as rank_1 or mean_ap (found 'eer')"],
        ),
        (
            SMALLEST.replace("pooled", "verification, metrics: [rank_1]"),
            [
                "tables.0.metrics: should be a metric of kind verification, such as eer or tar_at_far_0.01 "
                "(found 'rank_1')"
            ],
        ),
        (
            SMALLEST.replace("pooled", "open_set, metrics: [eer], not_enrolled: 1, draws: 0"),
            [
                "tables.0.metrics: should be a metric of kind open_set, such as fnir_at_fpir_0.01 or dir_at_fpir_0.01 "
                "(found 'eer')",
                "tables.0.not_enrolled: should be between 0 and 1, both excluded (found 1)",
                "tables.0.draws: should be at least 1 (found 0)",
            ],
        ),
        (SMALLEST.replace("name: n", "nam: n"), ["name: is missing", "nam: no such key; did you mean name?"]),
        (
            SMALLEST + "x: 3\n",
            ["x: no such key; known: name, tables, camera_prefix, published, submission"],
        ),
        (
            one_group("{name: G, galery: [b]}"),
            [
                "tables.0.groups.0.gallery: is missing",
                "tables.0.groups.0.galery: no such key; did you mean gallery?",
            ],
        ),
        (
            one_group("{name: G, gallery: []}"),
            ["tables.0.groups.0.gallery: should have at least one condition pattern, such as nm-0*"],
        ),
        (
            one_group("{name: no, probes: [01], gallery: nm-01}"),  # as YAML reads them
            [
                "tables.0.groups.0.name: should be a string: put it in quotes (found False)",
                "tables.0.groups.0.probes.0: should be a string: put it in quotes (found 1)",
                "tables.0.groups.0.gallery: should be a list: put it in [ ] (found 'nm-01')",
            ],
        ),
        (
            one_group("{name: G, gallery: [a]}") + "  - {name: G, gallery: [b]}\n",
            ["tables.0.groups.1.name: should differ from the groups before it (found 'G')"],
        ),
        (
            SMALLEST
            + "published: [{network: skeletongait, source: s, values: {G: 0.524, H: 50}},\n"
            + " {network: skeleton_gait, source: s, metric: rank1, table: T1, values: {G: 101}}]\n",
            [
                "published.0.values.G: should be in percent, from 1 to 100 (found 0.524)",
                "published.0.values.H: no such group in the table; known: G",
                "published.1.network: no such network; did you mean skeletongait?",
                "published.1.metric: no such metric; did you mean rank_1?",
                "published.1.table: no such table; did you mean t?",
                "published.1.values.G: should be in percent, from 1 to 100 (found 101)",
            ],
        ),
        (
            SMALLEST + "published: [{network: skeletongait, source: s, values: {G: true}}]\n",
            ["published.0.values.G: should be a valid number (found True)"],
        ),
        (
            SMALLEST + "submission: {probes: [], gallery: [], ranks: 0, rank: 1}\n",
            [
                "submission.rank: no such key; did you mean ranks?",
                "submission.gallery: should have at least one condition pattern, such as nm-0*",
                "submission.probes: should have at least one condition pattern, such as nm-0*",
                "submission.ranks: should be from 1 to 1000000000 (found 0)",
            ],
        ),
    ],
)
def test_every_problem_is_reported(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert problems(tmp_path, text) == [f"{tmp_path / 'p.yaml'}: {line}" for line in expected]


@pytest.mark.parametrize(
    ("metric", "near"), [("rank1", "rank_1"), ("Rank-10", "rank_10"), ("mAP", "mean_ap"), ("zzz", None)]
)
def test_unknown_metric_gets_a_hint(tmp_path: Path, metric: str, near: str | None) -> None:
    (line,) = problems(tmp_path, SMALLEST.replace("kind: pooled", f"kind: pooled, metrics: [{metric}]"))
    assert "tables.0.metrics.0: should be 'rank_1', 'rank_2', " in line
    assert line.endswith(f"(found '{metric}')" + (f"; did you mean {near}?" if near else ""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n", "p.yaml: found a list, expected a mapping of keys to values; correct the file"),
        ("a: [\n", "p.yaml: found invalid YAML"),
        ("a: &a [*a]\n", "p.yaml: found invalid YAML"),
        ('a: "\\ud800"\n', "p.yaml: found invalid YAML"),  # half a character
        ("name: n\nname: n\n", "the key name twice"),
    ],
)
def test_invalid_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (line,) = problems(tmp_path, text)
    assert message in line


def test_missing_file_is_refused(tmp_path: Path) -> None:
    message = r"none\.yaml: found No such file or directory, expected a YAML file; check the path"
    with pytest.raises(SettingsError, match=message):
        read_protocol(tmp_path / "none.yaml")


def test_error_can_be_pickled(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        read(tmp_path, "")
    assert str(pickle.loads(pickle.dumps(error.value))) == str(error.value)
