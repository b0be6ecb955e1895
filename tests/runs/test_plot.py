"""Plots of training runs."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from skelgait.errors import DataError
from skelgait.runs import find_runs, save_plot
from skelgait.runs.plot import curves_by_axis, draw_figure
from tests.cli.test_cli import call
from tests.runs.run_folders import evaluation, steps, write_run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the runs, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SKELGAIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def test_missing_matplotlib_is_an_error_with_install_hint(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [name for name in sys.modules if name.split(".")[0] == "matplotlib"]
    for name in {"matplotlib", "matplotlib.backends.backend_agg", *loaded}:
        monkeypatch.setitem(sys.modules, name, None)
    write_run(runs / "a", points=3)
    code, out, err = call("runs", "--plot", "curves.png")
    assert (code, out) == (1, "")
    assert err == (
        "Error: --plot: found no package matplotlib, expected the package matplotlib; "
        'pip install "skelgait[plots]"\n'
    )  # fmt: skip
    assert call("runs")[0] == 0


class TestPlot:
    @pytest.fixture(autouse=True)
    def needs_matplotlib(self) -> None:
        pytest.importorskip("matplotlib", reason="needs matplotlib, from the extra plots")

    @pytest.mark.parametrize("name", ["curves.png", "curves", "in/folders/curves.PNG"])
    def test_plot_is_written(self, runs: Path, name: str) -> None:
        write_run(runs / "a", points=100, tests=[evaluation(300, 0.5), evaluation(600, 0.7)])
        write_run(runs / "b", points=80)
        write_run(runs / "c")
        code, out, err = call("runs", "--plot", name)
        assert (code, err) == (0, "")
        assert out.endswith(f"Curves\n  {name}\n")
        picture = runs.parent / name
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert {path.name for path in picture.parent.iterdir()} - {"runs"} == {picture.name}

    def test_suffix_gives_the_format(self, runs: Path) -> None:
        write_run(runs / "a", points=3)
        report = json.loads(call("runs", "--plot", "curves.svg", "--json")[1])
        assert report["plot"] == "curves.svg"
        text = (runs.parent / "curves.svg").read_text()
        assert "<svg" in text
        err = call("runs", "--plot", "curves.xyz")[2]
        assert "--plot: found curves.xyz, expected a file ending in one of " in err
        assert " pdf, " in err

    def test_each_run_has_a_line_and_a_legend_entry(self, runs: Path) -> None:
        names = ["$a", r"$\nosuch$", "_c", "d" * 100, *(f"run {i:02d}" for i in range(30))]
        for name in names:
            write_run(runs / name, points=2)
        all_runs = find_runs(runs)
        figure = draw_figure(curves_by_axis(all_runs), dict(enumerate(run.name for run in all_runs)))
        assert [text.get_text().replace("\n", "") for text in figure.legends[0].get_texts()] == sorted(names)
        assert [len(axes.lines) for axes in figure.axes] == [len(names)] * 4
        save_plot(runs / "curves.png", all_runs)  # names are not parsed as formulas, and nothing warns

    @pytest.mark.parametrize(
        ("points", "tests", "labels"),
        [
            (
                3,
                [],
                [
                    "triplet loss",
                    "triplet active share (percent)",
                    "cross entropy loss",
                    "cross entropy accuracy (percent)",
                ],
            ),
            (0, [evaluation(1, 0.5)], ["evaluated rank-1 (percent)"]),
        ],
    )
    def test_panels_without_values_are_left_out(
        self, runs: Path, points: int, tests: list[Any], labels: list[str]
    ) -> None:
        write_run(runs / "a", points=points, tests=tests)
        all_runs = find_runs(runs)
        figure = draw_figure(curves_by_axis(all_runs), {0: "a"})
        assert [axes.get_ylabel() for axes in figure.axes] == labels
        drawn = [(list(axes.lines[0].get_xdata()), list(axes.lines[0].get_ydata())) for axes in figure.axes]
        if points:
            lines = steps(points)
            assert drawn[3] == ([10, 20, 30], [100 * line["cross_entropy/accuracy"] for line in lines])
            assert drawn[0] == ([10, 20, 30], [line["triplet/loss"] for line in lines])
        else:
            assert drawn == [([1], [50.0])]

    def test_plot_without_values_or_writable_file_is_an_error(self, runs: Path) -> None:
        write_run(runs / "a")
        with pytest.raises(DataError, match=r"curves\.png: found no logged step in a, expected steps to draw"):
            save_plot(runs / "curves.png", find_runs(runs))
        write_run(runs / "b", points=2)
        with pytest.raises(DataError, match="expected a file that can be written"):
            save_plot(runs / "a" / "settings.yaml" / "curves.png", find_runs(runs))
        (runs / "folder.png").mkdir()
        with pytest.raises(DataError, match="expected a file that can be written"):
            save_plot(runs / "folder.png", find_runs(runs))
        assert sorted(path.name for path in runs.iterdir()) == ["a", "b", "folder.png"]
