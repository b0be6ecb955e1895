"""Plots of a report: data drawn, and text that neither overlaps nor leaves the picture."""

from __future__ import annotations

import subprocess
import sys
import warnings
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import pytest

from skelgait.errors import SettingsError
from skelgait.reports.cmc import cmc_curves, draw_cmc
from skelgait.reports.open_set import draw_open_set
from skelgait.reports.plots import available_plots
from skelgait.reports.roc import draw_roc, roc_tables
from skelgait.reports.view_pairs import draw_view_pairs, view_matrices
from tests.reports.plain_reports import by_views, group, report, square, table, verified

CURVE = [0.25, 0.5, 0.75, *[0.75] * 47]
LONG = "a group with quite a long name, of which a legend shows every word on several lines"
HOSTILE = ["_hidden", r"$\frac$ & <b>", LONG, "x" * 90, "<script>alert(1)</script>", "歩行", "a\nb\x00c\u202ed\ud800"]


def test_import_loads_neither_torch_nor_matplotlib() -> None:
    code = "import sys, skelgait.reports.pictures; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_missing_matplotlib_raises_with_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SettingsError, match=r'no package matplotlib, .*; pip install "skelgait\[plots\]"'):
        list(available_plots(report()))


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ((), []),
        ((table("T", group("A")),), []),  # no valid probe
        ((table("T", group("A", cmc=CURVE, n_gallery=0)),), []),
        ((table("T", group("A", cmc=CURVE)),), [{"A": [25, 50, 75]}]),  # 3 gallery entries
        ((table("T", group("A", cmc=CURVE, n_gallery=99)),), [{"A": [100 * share for share in CURVE]}]),
        ((table("T", group("A", cmc=CURVE, n_gallery=1), group("B")),), [{"A": [25]}]),
        ((table("V", verified("A", [0.5], [1.0], 0.1)), table("T", group("A", cmc=CURVE))), [{"A": [25, 50, 75]}]),
    ],
)
def test_curves_end_at_the_size_of_the_gallery(
    tables: tuple[dict[str, Any], ...], expected: list[dict[str, list[float]]]
) -> None:
    assert [curves for _, curves in cmc_curves(report(*tables))] == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, []),
        ({"000": {}}, []),
        ({"000": {"000": None}}, []),  # a single view is not compared with itself
        ({"000": {"090": 0.5, "000": None}, "090": {"090": None, "000": 1.0}}, [[[50, np.nan], [np.nan, 100]]]),
        ({"000": {"090": 0.5}, "090": {"000": 0.25}}, [[[50, np.nan], [np.nan, 25]]]),  # gallery views differ
    ],
)
def test_matrices_and_their_means(cells: dict[str, dict[str, float | None]], expected: list[list[list[float]]]) -> None:
    matrices = view_matrices(table("T", by_views("A", cells), kind="view_pairs"))
    assert len(matrices) == len(expected)
    for matrix, values in zip(matrices, expected, strict=True):
        assert (matrix.probe_views, matrix.gallery_views) == (["000", "090"], ["090", "000"])
        np.testing.assert_array_equal(matrix.cells, values)
        np.testing.assert_array_equal(matrix.row_means, np.nanmean(values, 1))
        np.testing.assert_array_equal(matrix.column_means, np.nanmean(values, 0))


def test_column_without_values_has_no_mean() -> None:
    (matrix,) = view_matrices(table("T", by_views("A", {"000": {"000": None, "090": 0.5}})))
    np.testing.assert_array_equal(matrix.column_means, [np.nan, 50])


class TestDrawn:
    @pytest.fixture(autouse=True)
    def needs_matplotlib(self) -> None:
        pytest.importorskip("matplotlib", reason="matplotlib, of the extra plots, is not installed")

    def test_report_without_data_gives_no_plot(self) -> None:
        for empty in (report(), report(table("T", group("A"))), report(table("V", verified("A", [], [], None)))):
            assert list(available_plots(empty)) == []

    def test_file_names_have_the_numbers_of_their_tables(self) -> None:
        tables = (
            table("V", verified("A", [0.1, 1.0], [0.5, 1.0], 0.2)),
            table("P", group("A", cmc=CURVE)),
            table("A", by_views("A", square(3), cmc=CURVE)),
        )
        plots = list(available_plots(report(*tables)))
        assert [plot.name for plot in plots] == ["cmc.png", "views-3.png", "roc.png"]
        for plot in plots:
            picture = cv2.imdecode(np.frombuffer(plot.png, np.uint8), cv2.IMREAD_COLOR)
            assert min(picture.shape[:2]) > 200
            assert len(np.unique(picture)) > 10

    def test_published_rank_1_is_marked_only_in_the_first_table(self) -> None:
        tables = [table(title, group("A", cmc=CURVE), group("B", cmc=CURVE)) for title in ("P", "Q")]
        result = {"network": "net", "source": "paper", "table": "", "metric": "rank_1", "values": {"A": 0.524}}
        published = [result, {**result, "network": "other", "values": {"A": 0.1, "B": 0.1}}]
        first, second = draw_cmc(report(*tables, network="net", published=published)).axes
        marked = [line for line in first.lines if line.get_linestyle() == "None"]
        assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marked] == [(1, pytest.approx(52.4))]
        assert len(second.lines) == 2
        for more in ({"published": published}, {"network": "net"}):  # unknown network, or nothing published
            assert [len(axes.lines) for axes in draw_cmc(report(*tables, **more)).axes] == [2, 2]

    @pytest.mark.parametrize(("views", "numbers"), [(2, 2 + 4 + 1), (3, 6 + 6 + 1), (16, 240 + 32 + 1), (17, 0)])
    def test_small_matrices_show_numbers(self, views: int, numbers: int) -> None:
        figure = draw_view_pairs(table("T", by_views("A", square(views))))
        assert len(figure.axes[0].texts) == numbers

    def test_matrix_numbers_are_percent(self) -> None:
        figure = draw_view_pairs(table("T", by_views("A", {"000": {"000": None, "090": 1.0, "180": 0.1234}})))
        assert [text.get_text() for text in figure.axes[0].texts] == ["100", "12.3", "56.2", "100", "12.3", "56.2"]
        assert figure.axes[0].collections[0].get_clim() == (0, 100)

    def test_roc_curve_is_in_percent_and_starts_at_one_pair(self) -> None:
        tables = table("V", verified("A", [0.0, 0.2, 1.0], [0.25, 0.6, 1.0], 1 / 3), verified("B", [1.0], [1.0], None))
        figure = draw_roc(report(tables))
        a, eer, b, _chance = figure.axes[0].lines
        assert a.get_xdata() == pytest.approx([1, 20, 100 / 3, 100])  # 0 is drawn at one pair of 100
        assert a.get_ydata() == pytest.approx([25, 60, 200 / 3, 100])
        # The mark is a point of the line.
        assert (eer.get_xdata()[0], eer.get_ydata()[0]) == (a.get_xdata()[2], a.get_ydata()[2])
        assert b.get_xdata().tolist() == [100]
        entries = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
        assert entries[0] == "A: EER 33.3 %, 10 genuine and 100 impostor pairs"
        assert entries[1] == "B: 10 genuine and 100 impostor pairs"
        assert len(roc_tables(report(tables))) == 1

    def test_open_set_curves_are_in_percent(self) -> None:
        open_set = {
            "false_positive_rates": [0.1, 1.0], "false_negative_rates": [0.5, 0.0], "detection_rates": [0.25, 0.75],
            "n_mated": [4, 5], "n_non_mated": [10, 9],
        }  # fmt: skip
        tables = table("O", group("A", open_set=open_set), group("B", open_set=None), kind="open_set")
        fnir, dir_ = draw_open_set(report(tables)).axes
        for axes, values in ((fnir, [50, 0]), (dir_, [25, 75])):
            (line,) = axes.lines
            assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([10, 100], values)
        assert [plot.name for plot in available_plots(report(tables))] == ["open-set.png"]
        assert draw_open_set(report(table("P", group("A")))) is None

    # At most four matrices are in a row, fewer if they are wide; more than 16 views have no numbers.
    @pytest.mark.parametrize(("views", "n"), [(1, 1), (1, 12), (5, 3), (5, 4), (5, 12), (16, 1), (16, 5), (20, 3)])
    def test_matrix_titles_stay_inside_and_do_not_overlap(self, n: int, views: int) -> None:
        names = [*HOSTILE, *(f"group {i}" for i in range(12))][:n]
        figure = draw_view_pairs(table("T", *(by_views(name, square(views, diagonal=0.9)) for name in names)))
        width, height = figure.get_size_inches()
        assert 2 < width < 22
        assert 1.5 < height < 30
        _check_names(figure, titles=n)

    @pytest.mark.parametrize("n", [1, 3, 12])
    @pytest.mark.parametrize("tables", [1, 3, 4])
    def test_curve_titles_and_legends_stay_inside_and_do_not_overlap(self, n: int, tables: int) -> None:
        names = [*HOSTILE, *(f"group {i}" for i in range(12))][:n]
        ranked = [table(f"{LONG} {i}", *(group(name, cmc=CURVE) for name in names)) for i in range(tables)]
        verifying = [
            table(f"{LONG} {i}", *(verified(name, [0.1, 1.0], [0.5, 1.0], 0.2) for name in names))
            for i in range(tables)
        ]
        for figure in (draw_cmc(report(*ranked)), draw_roc(report(*verifying))):
            width, height = figure.get_size_inches()
            assert 4 < width < 13
            assert 2 < height < 50
            _check_names(figure, titles=tables)
            shown = [axes for axes in figure.axes if axes.get_visible()]
            assert all(axes.get_window_extent().height > 150 for axes in shown)

    def test_names_are_drawn_literally(self) -> None:
        names = HOSTILE[:3]
        figure = draw_cmc(report(table("$x^2$", *(group(name, cmc=CURVE) for name in names))))
        assert figure.axes[0].get_title(loc="left") == "$x^2$"
        assert [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()] == names
        assert not any(text.get_parse_math() for text in figure.legends[0].get_texts())

    def test_view_names_are_drawn_literally(self) -> None:
        views = ["_a", "$x^2$", "camera-with-a-very-long-name-1", "\ud800"]
        figure = draw_view_pairs(table("T", by_views("A", {view: dict.fromkeys(views, 0.5) for view in views})))
        figure.canvas.draw()
        shown = [text.get_text() for text in figure.axes[0].get_yticklabels()]
        assert shown == ["_a", "$x^2$", "camera-w..g-name-1", r"\ud800", "mean"]


def _check_names(figure: Any, titles: int) -> None:
    """Check that titles and legend entries are inside the figure and do not overlap."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.canvas.draw()
    shown = [axes for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert len(shown) == titles
    texts = [axes.title if axes.get_title() else axes._left_title for axes in shown]
    texts += [text for legend in figure.legends for text in legend.get_texts()]
    boxes = [text.get_window_extent() for text in texts]
    for box in boxes:
        assert box.x0 >= -1
        assert box.x1 <= figure.bbox.width + 1
    for first, second in combinations(boxes, 2):
        assert not first.overlaps(second)
