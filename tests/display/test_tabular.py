"""Report base class: repr, rows and HTML."""

from __future__ import annotations

from dataclasses import dataclass

from skelgait.display import Row, Tabular, printable
from skelgait.display.tabular import html_table

HOSTILE = "<script>alert('\"&')</script>\n\ud800"


@dataclass(frozen=True, repr=False)
class Report(Tabular):
    name: str

    def headline(self) -> str:
        return f"protocol {self.name}"

    def rows(self) -> list[Row]:
        return [{"group": self.name, "rank_1": 0.123456}, {"group": "b", "n": 3, "rank_1": None}]


def test_repr_is_one_short_line() -> None:
    assert repr(Report("CASIA-B")) == "<Report: protocol CASIA-B>"
    assert "\n" not in repr(Report("a\nb"))
    assert len(repr(Report("x" * 1000))) < 220


def test_html_has_one_column_for_each_key_and_blank_cells() -> None:
    text = Report("A")._repr_html_()
    assert "<caption>Report: protocol A</caption>" in text
    assert "<tr><th>group</th><th>rank_1</th><th>n</th></tr>" in text
    assert "<tr><td>A</td><td>0.1235</td><td></td></tr>" in text
    assert "<tr><td>b</td><td></td><td>3</td></tr>" in text


def test_html_escapes_every_text() -> None:
    text = html_table(HOSTILE, [{HOSTILE: HOSTILE}])
    assert "<script" not in text
    assert text.count(r"&lt;script&gt;alert(&#x27;&quot;&amp;&#x27;)&lt;/script&gt;\n\ud800") == 3


def test_html_of_many_rows_gives_the_number_of_the_rest() -> None:
    text = html_table("many", [{"i": i} for i in range(7)], max_rows=5)
    assert text.count("<tr>") == 7
    assert "... 2 more rows" in text


def test_html_of_no_rows_is_a_table() -> None:
    assert html_table("empty", []).startswith("<table>\n<caption>empty</caption>")


def test_printable_replaces_control_characters() -> None:
    assert printable("a\x00b\u202ec\n歩") == r"a\x00b\u202ec\n歩"


def test_printable_text_is_unchanged() -> None:
    assert printable("歩 a") == "歩 a"
    assert printable("\x1b[2J\udcff") == r"\x1b[2J\udcff"
