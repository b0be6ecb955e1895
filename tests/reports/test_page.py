"""HTML page of a report, and the pictures that it shows."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelgait.datasets import custom_protocol
from skelgait.errors import DataError, SettingsError
from skelgait.evaluation import Embeddings, score
from skelgait.evaluation.retrieval import Neighbor, Retrieved, retrieve
from skelgait.reports.page import write_page
from skelgait.reports.pictures import safe_names, save_pictures
from skelgait.storage import Key
from tests.reports.plain_reports import group, report, table

VOID = {"meta", "img", "link", "br", "hr", "input", "base"}
HOSTILE = "<script>alert('\"&')</script>"


class Page(HTMLParser):
    """Strict parser of a page: every element is closed in order.

    Attributes:
        elements: name and attributes of each start tag.
        texts: element name and text.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        text = path.read_text(encoding="utf-8")
        assert text.startswith('<!DOCTYPE html>\n<html lang="en">')
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self._open[-1], data.strip()))

    def all_of(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    def check_self_contained(self) -> None:
        """Check that the page runs and fetches nothing."""
        names = {tag for tag, _ in self.elements}
        assert not names & {"script", "link", "iframe", "object", "embed", "base", "form", "a"}
        for tag, attributes in self.elements:
            assert not [name for name in attributes if name.startswith("on") or name in ("href", "srcset", "style")]
            if "src" in attributes:
                assert tag == "img"
                assert str(attributes["src"]).startswith("data:image/png;base64,")
        (style,) = self.all_of("style")
        assert "url(" not in style
        assert "@import" not in style


def page_of(tmp_path: Path, content: dict[str, Any], pictures: Any = None) -> Page:
    write_page(tmp_path / "report.html", content, pictures or {})
    page = Page(tmp_path / "report.html")
    page.check_self_contained()
    return page


def test_empty_report_gives_a_page(tmp_path: Path) -> None:
    page = page_of(tmp_path, report())
    assert page.all_of("title") == page.all_of("h1") == ["custom: embeddings"]
    assert page.all_of("h2") == []
    assert page.all_of("p") == ["7 sequences; euclidean distance. Metrics in percent."]


@pytest.mark.parametrize(
    ("more", "heading"),
    [
        ({}, "custom: embeddings"),
        ({"network": None, "iteration": None}, "custom: embeddings"),
        ({"network": "skeletongait"}, "custom: skeletongait"),
        ({"network": "skeletongait", "iteration": 0}, "custom: skeletongait, iteration 0"),
    ],
)
def test_heading_of_network_and_iteration(tmp_path: Path, more: dict[str, Any], heading: str) -> None:
    assert page_of(tmp_path, report(**more)).all_of("h1") == [heading]


def test_metrics_conditions_and_exclusions_are_shown(tmp_path: Path) -> None:
    bag = group(
        "Bag",
        metrics={"rank_1": 0.5, "mean_ap": None},
        intervals={"rank_1": (0.25, 0.75)},
        n_unmatched=2,
        unmatched={"not enrolled": 2},
        excluded_pairs={"the probe itself": 3},
        by_condition={"bg-01": {"rank_1": 0.4, "mean_ap": 0.1}, "bg-02": {"rank_1": 0.6, "mean_ap": None}},
    )
    content = report(
        table("Over all", bag), notes=["a note"], network="net", n_truncated=1, reranked=True,
        published=[{"network": "net", "source": "paper", "table": "", "metric": "rank_1", "values": {"Bag": 0.524}}],
    )  # fmt: skip
    page = page_of(tmp_path, content)
    assert page.all_of("h2") == [
        "Notes",
        "Metrics",
        "Published results",
        "By condition",
        "Excluded pairs and unmatched probes",
    ]
    assert page.all_of("p") == [
        "7 sequences (1 cut to the maximum length); euclidean distance, re-ranked. "
        "Metrics in percent, with 95 % bootstrap intervals over probes in brackets."
    ]
    assert page.all_of("th") == [
        "rank-1", "mAP", "published", "difference", "source", "probes", "gallery", "no match", "Bag",
        "rank-1", "mAP", "Bag: bg-01", "Bag: bg-02",
    ]  # fmt: skip
    assert page.all_of("td") == ["50.0", "-", "52.4", "-2.4", "[1]", "4", "3", "2", "40.0", "10.0", "60.0", "-"]
    assert page.all_of("small") == ["[25.0, 75.0]"]
    assert page.all_of("li") == [
        "a note",
        "[1] paper",
        "Over all, Bag: 2 probes without a true match (not enrolled)",
        "Over all, Bag: 3 genuine pairs excluded (the probe itself)",
    ]


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    hostile = group(
        HOSTILE, metrics={"rank_1": 0.5}, unmatched={HOSTILE: 1}, by_condition={HOSTILE: {"rank_1": 1.0}, "b": {}}
    )
    content = report(table(HOSTILE, hostile), notes=[HOSTILE], network=HOSTILE, protocol=HOSTILE)
    page = page_of(tmp_path, content, {HOSTILE: b"\x89PNG"})
    for tag in ("h1", "title", "h3", "th", "li", "figcaption"):
        assert any(HOSTILE in text for text in page.all_of(tag)), tag
    assert f"Plot: {HOSTILE}" in [attributes.get("alt") for tag, attributes in page.elements if tag == "img"]


@pytest.mark.parametrize("name", ["\ud800", "\x00", "a\u202eb", "]]>", "</title>", "--><!--", "歩行"])
def test_unprintable_names_are_shown_escaped(tmp_path: Path, name: str) -> None:
    page = page_of(tmp_path, report(table(name, group(name))))
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert shown in page.all_of("th")


def test_pictures_are_embedded_with_caption_and_alternative_text(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG of a file")
    page = page_of(tmp_path, report(), {"A: what it shows": tmp_path / "a.png", "B": b"\x89PNG"})
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    contents = [base64.b64decode(str(image["src"]).split(",")[1]) for image in images]
    assert contents == [b"\x89PNG of a file", b"\x89PNG"]
    assert [image["alt"] for image in images] == ["Plot: A", "Plot: B"]
    assert page.all_of("figcaption") == ["A: what it shows", "B"]


def test_missing_picture_leaves_the_old_page(tmp_path: Path) -> None:
    write_page(tmp_path / "report.html", report(), {})
    before = (tmp_path / "report.html").read_bytes()
    with pytest.raises(DataError, match="a\\.png: found No such file"):
        write_page(tmp_path / "report.html", report(), {"A": tmp_path / "a.png"})
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["Bag", "a b", "../../etc", ""], ["Bag", "a_b", ".._.._etc", "_"]),
        (["a/b", "a b", "A_B", "a_b-2"], ["a_b", "a_b-2", "A_B-3", "a_b-2-2"]),
        (["x" * 300, "x" * 301], ["x" * 60, "x" * 60 + "-2"]),
        (["skeletongait++"], ["skeletongait++"]),
    ],
)
def test_file_names_are_safe_and_distinct(names: list[str], expected: list[str]) -> None:
    assert safe_names(names) == expected


class TestSaved:
    @pytest.fixture(autouse=True)
    def needs_matplotlib(self) -> None:
        pytest.importorskip("matplotlib", reason="matplotlib, of the extra plots, is not installed")

    def test_empty_report_saves_only_the_page(self, tmp_path: Path) -> None:
        assert save_pictures(tmp_path / "new", report(), {"A": ()}, None) == [tmp_path / "new" / "report.html"]
        assert [path.name for path in (tmp_path / "new").iterdir()] == ["report.html"]

    def test_all_pictures_of_an_evaluation_are_saved_and_embedded(self, tmp_path: Path) -> None:
        keys = [Key(i, c, v) for i in "abcd" for c in ("n1", "n2", HOSTILE) for v in ("000", "090", "180")]
        values = torch.from_numpy(np.random.default_rng(0).standard_normal((len(keys), 5, 3)).astype(np.float32))
        embeddings, protocol = Embeddings(keys, values), custom_protocol(["n1"], {"N": ["n2"], HOSTILE: ["<*"]})
        content = {
            **json.loads(json.dumps(score(embeddings, protocol, bootstrap_samples=20).to_dict())),
            "network": "net",
        }
        files = save_pictures(tmp_path, content, retrieve(embeddings, protocol), None)
        names = ["cmc.png", "views-1.png", "views-2.png", "retrieval-N.png", "retrieval-_script_alert_script_.png"]
        assert [path.name for path in files] == [*names, "report.html"]
        assert {path.name for path in tmp_path.iterdir()} == {*names, "report.html"}
        page = Page(tmp_path / "report.html")
        page.check_self_contained()
        images = [str(attributes["src"]) for tag, attributes in page.elements if tag == "img"]
        assert [base64.b64decode(image.split(",")[1]) for image in images] == [path.read_bytes() for path in files[:-1]]

    def test_tables_with_equal_titles_have_separate_pictures(self, tmp_path: Path) -> None:
        pairs = {"000": {"090": {"rank_1": 0.5}}}
        twice = [table("T", group("A", metrics={"rank_1": 0.5}, by_view_pair=pairs)) for _ in range(2)]
        retrieved = Retrieved(Key("a", "n", "000"), (Neighbor(Key("b", "n", "000"), 1.0, False),))
        files = save_pictures(tmp_path, report(*twice), {"a b": (retrieved,), "a/b": (retrieved,)}, None)
        names = [path.name for path in files]
        assert names == ["views-1.png", "views-2.png", "retrieval-a_b.png", "retrieval-a_b-2.png", "report.html"]
        assert [tag for tag, _ in Page(tmp_path / "report.html").elements].count("img") == 4


def test_without_matplotlib_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(SettingsError, match="no package matplotlib"):
        save_pictures(tmp_path / "new", report(), {}, None)
    assert list(tmp_path.iterdir()) == []


def test_page_names_date_version_checkpoint_data_and_command(tmp_path: Path) -> None:
    origin = {
        "date": "2026-11-29T12:00:00+00:00", "skelgait": "0.1.0", "checkpoint_sha256": "ab" * 32, "data": "maps & co",
        "command": "skelgait evaluate --probes 'Bag=bg-*'",
    }  # fmt: skip
    write_page(tmp_path / "report.html", {**report(), "origin": origin, "evaluated_file": "c.pt"}, {})
    items = Page(tmp_path / "report.html").all_of("li")
    assert items[-6:] == [
        "Date: 2026-11-29T12:00:00+00:00",
        "Version: skelgait 0.1.0",
        "Evaluated file: c.pt",
        f"SHA-256 of the checkpoint: {'ab' * 32}",
        "Data: maps & co",
        "Command: skelgait evaluate --probes 'Bag=bg-*'",
    ]
