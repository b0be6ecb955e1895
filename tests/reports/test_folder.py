"""Report folder: files are complete, read back unchanged, and belong to one evaluation."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from skelgait.datasets import custom_protocol, find_dataset, verification_protocol
from skelgait.embeddings import Embeddings
from skelgait.errors import DataError
from skelgait.reports.folder import RANKS, REPORT, read_report
from skelgait.reports.ranks_file import read_ranks
from skelgait.reports.rates_file import StoredRates
from skelgait.reports.rows import MetricRow, metric_label, rows_of
from skelgait.reports.tables import exclusion_sentences, source_lines, tables_of, to_markdown
from skelgait.storage import Key
from tests.full_disk import full_disk
from tests.reports import plain_reports
from tests.reports.evaluations import KEYS, PROTOCOL, VIEWS, embeddings, evaluation, write

FILES = ["ranks.h5", "report.csv", "report.json", "report.md"]


def test_written_report_and_ranks_are_read_back_unchanged(tmp_path: Path) -> None:
    written = write(tmp_path / "deep" / "report", evaluation(embeddings()))
    assert sorted(path.name for path in (tmp_path / "deep" / "report").iterdir()) == FILES
    assert read_report(tmp_path / "deep" / "report") == json.loads(json.dumps(written.to_dict()))
    stored = read_ranks(tmp_path / "deep" / "report" / RANKS)
    groups = [(t, g, r) for t in written.report.tables for g, r in zip(t.groups, t.ranks, strict=True)]
    assert len(stored) == len(groups) == 6
    for result, (table, group, ranks) in zip(stored, groups, strict=True):
        assert ranks is not None
        assert (result.table.title, result.table.kind, result.group) == (table.title, table.kind, group.name)
        assert result.table.metrics == tuple(group.metrics)
        assert result.n_gallery == group.n_gallery == 30
        assert result.probes == [KEYS[i] for i in ranks.members.probes]
        for name in ("probe_views", "first", "ap", "inp"):
            np.testing.assert_array_equal(getattr(result.ranks, name), getattr(ranks, name))


def test_csv_has_every_metric_of_the_report(tmp_path: Path) -> None:
    report = json.loads(json.dumps(write(tmp_path, evaluation(embeddings())).to_dict()))
    content = (tmp_path / "report.csv").read_bytes()
    assert b"\r" not in content
    lines = list(csv.DictReader(content.decode().splitlines()))
    assert tuple(lines[0]) == MetricRow._fields
    for table in report["tables"]:
        for group in table["groups"]:
            rows = [line for line in lines if (line["table"], line["group"]) == (table["title"], group["name"])]
            (overall,) = [line for line in rows if line["breakdown"] == "all"]
            assert float(overall["value"]) == group["metrics"]["rank_1"]
            assert [float(overall["low"]), float(overall["high"])] == group["intervals"]["rank_1"]
            assert (overall["probes"], overall["gallery"]) == (str(group["n_probes"]), "30")
            assert overall["published"] == overall["difference"] == ""
            for breakdown, column, metrics in (
                ("condition", "condition", group["by_condition"]),
                ("view", "probe_view", group["by_view"]),
            ):
                values = {line[column]: float(line["value"]) for line in rows if line["breakdown"] == breakdown}
                assert values == {name: value["rank_1"] for name, value in metrics.items()}
            pairs = {
                (line["probe_view"], line["gallery_view"]): line["value"]
                for line in rows
                if line["breakdown"] == "view pair"
            }
            expected = {(a, b): v["rank_1"] for a, others in group["by_view_pair"].items() for b, v in others.items()}
            assert {pair: float(value) if value else None for pair, value in pairs.items()} == expected
    assert {line["probe_view"] for line in lines if line["breakdown"] == "view pair"} == set(VIEWS)


@pytest.mark.parametrize("network", ["skeletongait", "skeletongait++", "another"])
def test_published_values_and_differences(tmp_path: Path, network: str) -> None:
    ccpg = find_dataset("CCPG").protocol
    conditions = ["U0_D0_BG", "U0_D0", "U1_D1", "U2_D2", "U3_D3", "U0_D3", "U1_D0"]
    keys = [Key(i, c, f"{v}_0") for i in "abcd" for c in conditions for v in "12"]
    rng = np.random.default_rng(0)
    embedded = Embeddings(keys, torch.from_numpy(rng.standard_normal((len(keys), 5, 3)).astype(np.float32)))
    report = write(tmp_path, evaluation(embedded, ccpg, network=network)).to_dict()
    published = [result for result in ccpg.published if result.network == network]
    lines = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    first = ccpg.tables[0]
    values = {
        (line["table"], line["group"], line["metric"], line["source"]): (line["published"], line["difference"])
        for line in lines
        if line["published"]
    }
    tables_of_groups = json.loads(json.dumps(report))["tables"]
    rank_1 = {(t["title"], g["name"]): g["metrics"]["rank_1"] for t in tables_of_groups for g in t["groups"]}
    expected = {}
    for result in published:
        for group, paper in result.values.items():
            title = result.table or first.title
            expected[title, group, "rank_1", result.source] = (str(paper), str(rank_1[title, group] - paper))
    assert values == expected
    assert len(expected) == {"skeletongait": 4, "skeletongait++": 8}.get(network, 0)
    tables = list(tables_of(report))
    titles = {result.table or first.title for result in published}
    assert [("published" in table.header) for table in tables] == [t.title in titles for t in ccpg.tables]
    if published:
        row = dict(zip(tables[0].header, tables[0].rows[0], strict=True))
        paper = published[0].values["CL"]
        assert row["published"] == f"{100 * paper:.1f}"
        assert row["difference"] == f"{100 * (rank_1[first.title, 'CL'] - paper):+.1f}"
        assert row["source"] == "[1]"


def _with_two_sources(**more: Any) -> dict[str, Any]:
    groups = [
        plain_reports.group("A", metrics={"rank_1": 0.5, "rank_5": 0.9}),
        plain_reports.group("B", metrics={"rank_1": 0.4, "rank_5": None}),
    ]
    published = [
        {"network": "net", "source": "paper", "table": "", "metric": "rank_1", "values": {"A": 0.6}},
        {"network": "net", "source": "zoo", "table": "T", "metric": "rank_1", "values": {"A": 0.4}},
        {"network": "net", "source": "zoo", "table": "T", "metric": "rank_5", "values": {"A": 0.95}},
        {"network": "other", "source": "paper", "table": "", "metric": "rank_1", "values": {"A": 0.1, "B": 0.1}},
        {"network": "net", "source": "paper", "table": "another", "metric": "rank_1", "values": {"A": 0.1, "B": 0.1}},
    ]
    return plain_reports.report(plain_reports.table("T", *groups), network="net", published=published, **more)


def test_two_sources_are_two_rows() -> None:
    (shown,) = tables_of(_with_two_sources(), ["rank_1"])
    assert shown.header == ["", "rank-1", "published", "difference", "source", "probes", "gallery", "no match"]
    assert shown.rows == [
        ["A", "50.0", "60.0", "-10.0", "[1]", "4", "3", "0"],
        ["", "", "40.0", "+10.0", "[2]", "", "", ""],
        ["", "", "95.0", "-5.0", "[2] rank-5", "", "", ""],
        ["B", "40.0", "-", "-", "", "4", "3", "0"],
    ]
    assert source_lines(_with_two_sources()) == ["[1] paper", "[2] zoo"]
    rows = [(row.group, row.breakdown, row.metric, row.published, row.source) for row in rows_of(_with_two_sources())]
    assert rows[:3] == [
        ("A", "all", "rank_1", 0.6, "paper"),
        ("A", "published", "rank_1", 0.4, "zoo"),
        ("A", "all", "rank_5", 0.95, "zoo"),
    ]
    assert rows[3] == ("B", "all", "rank_1", None, "")


def test_no_difference_if_results_are_not_comparable() -> None:
    content = _with_two_sources(incomparable=["test people are missing"])
    (shown,) = tables_of(content, ["rank_1"])
    assert shown.header == ["", "rank-1", "published", "source", "probes", "gallery", "no match"]
    assert shown.rows[0] == ["A", "50.0", "60.0", "[1]", "4", "3", "0"]
    assert shown.rows[3] == ["B", "40.0", "-", "", "4", "3", "0"]
    assert all(row.difference is None for row in rows_of(content))
    assert "difference" not in to_markdown(content)


def test_markdown_has_the_cells_of_all_tables(tmp_path: Path) -> None:
    report = write(tmp_path, evaluation(embeddings())).to_dict()
    text = (tmp_path / "report.md").read_text()
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    assert len({len(row) for row in rows}) == 1
    tables = list(tables_of(report))
    cells = [[cell.strip().replace("\\", "") for cell in row] for row in rows if not row[0].startswith("---")]
    assert cells == [list(map(str, line)) for table in tables for line in (table.header, *table.rows)]
    assert text.count("\n## ") == len(tables) + bool(exclusion_sentences(report)) + bool(report["notes"])
    for sentence in exclusion_sentences(report):
        assert sentence in text.replace("\\", "")


def test_tables_of_selected_metrics() -> None:
    group = plain_reports.group("A", metrics={"rank_1": 0.5, "rank_5": 0.75, "mean_ap": 0.25})
    report = plain_reports.report(plain_reports.table("T", group))
    (text_table,) = tables_of(report, ("rank_1", "mean_ap"))
    assert text_table.header == ["", "rank-1", "mAP", "probes", "gallery", "no match"]
    assert text_table.rows == [["A", "50.0", "25.0", "4", "3", "0"]]
    # A verification table has other metrics, and shows all of them.
    verification = plain_reports.table("V", plain_reports.verified("A", [1.0], [1.0], 0.1))
    (text_table,) = tables_of(plain_reports.report(verification), ("rank_1",))
    assert text_table.header == ["", "EER", "probes", "gallery", "no match"]


HOSTILE = "a|b\r\nc\u2028# d <script>x</script> *e* [f](g) `h` &lt; ~~i~~ $j$ \\"


def test_hostile_names_in_markdown(tmp_path: Path) -> None:
    named = replace(custom_protocol(["nm-01"], {HOSTILE: ["bg-*"]}), name=HOSTILE)
    tables = tuple(replace(table, title=HOSTILE) for table in named.tables)
    plain = to_markdown(evaluation(embeddings(), custom_protocol(["nm-01"], {"x": ["bg-*"]})).to_dict())
    evaluated = evaluation(embeddings(), replace(named, tables=tables), network=HOSTILE)
    text = to_markdown(evaluated.to_dict())
    assert len(text.splitlines()) == len(plain.splitlines())
    for line, plain_line in zip(text.splitlines(), plain.splitlines(), strict=True):
        unescaped = line
        for escaped in ("\\\\", *(f"\\{c}" for c in "`*_{}[]<>#|&~$")):
            unescaped = unescaped.replace(escaped, "")
        assert unescaped.count("|") == plain_line.count("|")
        assert not set(unescaped.removeprefix("* ").lstrip("#")) & set("\\`*<>[]#&~$"), line


def test_hostile_names_in_csv(tmp_path: Path) -> None:
    write(tmp_path, evaluation(embeddings(), custom_protocol(["nm-01"], {HOSTILE: ["bg-*"], 'q"u,o\te': ["cl-*"]})))
    with (tmp_path / "report.csv").open(newline="", encoding="utf-8") as file:
        assert {line["group"] for line in csv.DictReader(file)} == {HOSTILE, 'q"u,o\te'}
    assert [group.group for group in read_ranks(tmp_path / RANKS)] == [HOSTILE, 'q"u,o\te'] * 3


def test_unmatched_probes_are_reported(tmp_path: Path) -> None:
    keys = [key for key in KEYS if key.identity != "a" or key.condition != "nm-01"]
    report = write(tmp_path, evaluation(embeddings(keys))).to_dict()
    sentences = exclusion_sentences(report)
    assert any("Bag: 6 probes without a true match (not enrolled)" in sentence for sentence in sentences)
    assert "6 probes without a true match (not enrolled)" in (tmp_path / "report.md").read_text()
    lines = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert {line["unmatched"] for line in lines if line["group"] == "Bag" and line["breakdown"] == "all"} == {"6"}


def test_verification_has_numbers_of_pairs_instead_of_ranks(tmp_path: Path) -> None:
    report = write(tmp_path, evaluation(embeddings(), verification_protocol(PROTOCOL))).report
    for stored, group in zip(read_ranks(tmp_path / RANKS), report.tables[0].groups, strict=True):
        assert isinstance(stored, StoredRates)
        rates = stored.counts.all_pairs.rates()
        assert (rates.n_genuine, rates.n_impostor) == (group.roc.n_genuine, group.roc.n_impostor)
        assert rates.equal_error_rate() == group.metrics["eer"]
        assert (stored.group, stored.people) == (group.name, list("abcdefghij"))
        low, high = group.intervals["eer"]
        assert low < group.metrics["eer"] < high
    assert "with 95 % bootstrap intervals over people in brackets" in (tmp_path / "report.md").read_text()
    lines = list(csv.DictReader((tmp_path / "report.csv").read_text().splitlines()))
    assert {line["metric"] for line in lines} >= {"eer", "tar_at_far_0.1"}


def test_new_report_replaces_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, evaluation(embeddings(), verification_protocol(PROTOCOL)))
    write(tmp_path, evaluation(embeddings()))
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES
    assert read_report(tmp_path)["protocol"] == "custom"
    assert len(read_ranks(tmp_path / RANKS)) == 6


def test_interrupted_write_leaves_no_report(tmp_path: Path) -> None:
    write(tmp_path, evaluation(embeddings()))
    keys = [Key(f"{i}", *key[1:]) for i in range(10) for key in KEYS[:12]]
    large = Embeddings(keys, torch.randn(len(keys), 5, 3, generator=torch.Generator().manual_seed(0)))
    with full_disk(4000), pytest.raises(DataError, match="expected a file that can be written"):
        write(tmp_path, evaluation(large))
    # Other files may belong to either evaluation, so the folder has no report.
    assert not (tmp_path / REPORT).exists()
    assert not list(tmp_path.glob(".*"))
    with pytest.raises(DataError, match=r"report\.json: found No such file or directory, expected an evaluation"):
        read_report(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "a damaged file"),
        (b"{", "a damaged file"),
        (b"[]", "no tables"),
        (b"{}", "'tables'"),
        (b'{"tables": 3, "protocol": "x"}', "no tables"),
        (b'{"tables": []}', "'protocol'"),
        (b'{"tables": [], "protocol": [1]}', "no protocol"),
        (b'{"tables": "\xff"}', "a damaged file"),
        (b"[" * 200_000, "a damaged file"),
    ],
)
def test_damaged_report_raises_data_error(tmp_path: Path, text: bytes, reason: str) -> None:
    (tmp_path / REPORT).write_bytes(text)
    with pytest.raises(DataError) as caught:
        read_report(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / REPORT}: found a damaged file (")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("expected an evaluation report; run `skelgait evaluate` again")


def _replaced(name: str, value: object) -> object:
    def change(content: h5py.File) -> None:
        del content[f"0/1/{name}"]
        content[f"0/1/{name}"] = value

    return change


N = 30


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.__delitem__("0/1/first"),
        lambda content: content.__delitem__("0/1/keys"),
        lambda content: content["0/1"].attrs.__delitem__("table"),
        lambda content: content["0/1"].attrs.__setitem__("table", "{}"),
        lambda content: content["0/1"].attrs.__setitem__("table", "[" * 60_000),
        lambda content: content["0/1"].attrs.__setitem__(
            "table", '{"title": "t", "kind": "pooled", "metrics": ["rank_x"], "unmatched_are_wrong": true}'
        ),
        lambda content: content["0/1"].attrs.__setitem__("n_gallery", "many"),
        lambda content: content.create_group("x"),
        lambda content: content.__setitem__("7", 3),
        _replaced("first", np.zeros((N, 3))),
        _replaced("first", np.zeros((N - 1, 3), np.int32)),
        _replaced("first", np.zeros((N, 2), np.int32)),
        _replaced("first", np.zeros(N, np.int32)),
        _replaced("ap", np.zeros((N, 2), np.float32)),
        _replaced("ap", np.full((N, 3), b"x")),
        _replaced("inp", np.zeros((N, 3), np.int32)),
        _replaced("probe_views", np.zeros((N, 2), np.int64)),
        _replaced("probe_views", np.full(N, b"x")),
        _replaced("keys", np.full((N, 3), b"x")),
    ],
)
def test_damaged_ranks_raise_data_error(tmp_path: Path, change: object) -> None:
    write(tmp_path, evaluation(embeddings()))
    with h5py.File(tmp_path / RANKS, "r+") as content:
        assert len(content["0/1/keys"]) == N
        change(content)  # type: ignore[operator]
    with pytest.raises(DataError) as caught:
        read_ranks(tmp_path / RANKS)
    assert str(caught.value).startswith(f"{tmp_path / RANKS}: found a damaged file (")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"", b"text", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_missing_or_foreign_ranks_file_raises_data_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / RANKS).write_bytes(content)
    with pytest.raises(DataError, match=r"ranks\.h5: found"):
        read_ranks(tmp_path / RANKS)


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("rank_1", "rank-1"),
        ("rank_20", "rank-20"),
        ("mean_ap", "mAP"),
        ("mean_inp", "mINP"),
        ("eer", "EER"),
        ("tar_at_far_0.001", "TAR at FAR 0.1 %"),
    ],
)
def test_labels_of_metrics(metric: str, text: str) -> None:
    assert metric_label(metric) == text
