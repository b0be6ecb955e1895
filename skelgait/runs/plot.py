"""The curves of runs, one small panel a figure, drawn with matplotlib where that is installed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skelgait.errors import DataError, SettingsError
from skelgait.runs.read import Run
from skelgait.runs.summary import number
from skelgait.storage.atomic import atomic_write

# Told apart by color-blind readers too (Okabe and Ito); after them, the same ones dashed.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
_STYLES = ("-", "--", ":")
_PANEL_INCHES = (3.6, 2.5)
_LINE_INCHES = 0.2
_POINTS = 9
# Columns that rows of one, two and three panels fill.
_GRID = 6
_PNG_DPI = 150

Curve = Mapping[int, float]


class Panel(NamedTuple):
    """One figure of all runs: the label of its axis, its curve in a run by iteration, and how points are marked."""

    label: str
    curve: Callable[[Run], Curve]
    marker: str = ""


def _logged(name: str, factor: float = 1) -> Callable[[Run], Curve]:
    def curve(run: Run) -> Curve:
        values = ((step["iteration"], number(step, name)) for step in run.metrics)
        return {iteration: factor * value for iteration, value in values if value is not None}

    return curve


def _tested(run: Run) -> Curve:
    return {iteration: 100 * score for iteration, score in run.scores.items()}


_PANELS = (
    Panel("triplet loss (distance)", _logged("triplet/loss")),
    Panel("cross entropy (nats)", _logged("cross_entropy/loss")),
    Panel("accuracy (percent)", _logged("cross_entropy/accuracy", 100)),
    Panel("active triplets (percent)", _logged("triplet/active_share", 100)),
    Panel("rank-1 at test (percent)", _tested, marker="o"),
)


def save_plot(path: Path, runs: Sequence[Run]) -> None:
    """Save the curves of runs over iterations, whole or not at all: losses, accuracy, active triplets, tests.

    Args:
        path: the picture, in the form that its suffix says; PNG where it has none.
        runs: what to draw, one line each in every panel that has something to show.

    Raises:
        SettingsError: there is no matplotlib, or it knows no such form.
        DataError: no run has logged a step or was tested, or the file cannot be written.
    """
    form = _known_form(path)
    shown = curves_of(runs)
    drawn = [i for i in range(len(runs)) if any(of_run[i] for of_run in shown.values())]
    if not drawn:
        found = f"no logged step in {', '.join(run.name for run in runs)}"
        raise DataError(path, found, "steps to draw", "wait for the first one, see train.log_every")
    figure = draw_figure(shown, {i: runs[i].name for i in drawn})
    with atomic_write(path) as partial:
        figure.savefig(partial, format=form, dpi=_PNG_DPI)


def curves_of(runs: Sequence[Run]) -> dict[Panel, list[Curve]]:
    """The panels that have something to show, each with the curve of every run, empty where it has none."""
    curves = {panel: [panel.curve(run) for run in runs] for panel in _PANELS}
    return {panel: of_run for panel, of_run in curves.items() if any(of_run)}


def _known_form(path: Path) -> str:
    """The form of a picture as matplotlib calls it."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        hint = 'pip install "skelgait[plots]"'
        raise SettingsError("--plot", "no package matplotlib", "the package matplotlib", hint) from error
    form, known = path.suffix.lstrip(".").lower() or "png", FigureCanvasAgg.get_supported_filetypes()
    if form not in known:
        raise SettingsError("--plot", str(path), f"a file ending in one of {', '.join(sorted(known))}", "name it so")
    return form


def draw_figure(shown: Mapping[Panel, Sequence[Curve]], names: Mapping[int, str]) -> Any:
    """A matplotlib figure of the panels; `names` by place are the runs that have a line."""
    # No pyplot: it would keep the figure, and choose a backend by the machine.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    half = (len(shown) + 1) // 2
    rows = [row for row in (list(shown)[:half], list(shown)[half:]) if row]
    width, height = half * _PANEL_INCHES[0], len(rows) * _PANEL_INCHES[1]
    across = _names_across(names.values(), width)
    figure = Figure(figsize=(width, height + _LINE_INCHES * (1 + len(names) // across)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(len(rows), _GRID)
    axes = None
    for r, row in enumerate(rows):
        span = _GRID // len(row)
        for c, panel in enumerate(row):
            axes = figure.add_subplot(grid[r, c * span : (c + 1) * span], sharex=axes)
            _draw_panel(axes, panel, {i: shown[panel][i] for i in names})
    _draw_legend(figure, names, across)
    return figure


def _names_across(names: Collection[str], width: float) -> int:
    """How many names of runs fit beside each other in a legend, in so many inches."""
    longest = max(map(len, names))
    return min(len(names), max(1, int(width / (0.6 + 0.08 * longest))))


def _draw_panel(axes: Any, panel: Panel, curves: Mapping[int, Curve]) -> None:
    for i, curve in curves.items():
        # A line of one point would not be seen.
        marker = "o" if len(curve) == 1 else panel.marker
        axes.plot(list(curve), list(curve.values()), marker=marker, markersize=3, **_look(i))
    axes.set_xlabel("iterations", fontsize=_POINTS)
    axes.set_ylabel(panel.label, fontsize=_POINTS)
    axes.tick_params(labelsize=_POINTS - 1)
    axes.locator_params("x", nbins=5, integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.9")


def _look(i: int) -> dict[str, Any]:
    """Color and style of the line of run `i`, the same in all panels."""
    style = _STYLES[i // len(_COLOURS) % len(_STYLES)]
    return {"color": _COLOURS[i % len(_COLOURS)], "linestyle": style, "linewidth": 1.2}


def _draw_legend(figure: Any, names: Mapping[int, str], across: int) -> None:
    from matplotlib.lines import Line2D

    lines, place = [Line2D([], [], **_look(i)) for i in names], "outside lower left"
    legend = figure.legend(lines, ["-"] * len(lines), loc=place, ncols=across, frameon=False, fontsize=_POINTS)
    for text, name in zip(legend.get_texts(), names.values(), strict=True):
        # Set afterwards, as it stands: matplotlib leaves out what begins with _, and reads formulas between $.
        text.set_parse_math(False)
        text.set_text(name)
