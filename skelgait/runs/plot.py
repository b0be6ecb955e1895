"""Plots of training runs over iterations, drawn with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from skelgait.errors import DataError, SettingsError
from skelgait.runs.metrics import is_fraction, logged_metrics, metric_label
from skelgait.runs.read import Run
from skelgait.storage.atomic import atomic_write
from skelgait.storage.lock import lock_file
from skelgait.viz.plot_style import POINTS, Legend, line_style, new_figure, require_matplotlib, style_axes

_PANEL_INCHES = (3.6, 2.5)
_PANELS_IN_A_ROW = 3
# Curves of more points are lines without markers.
_MARKED_POINTS = 20
_PNG_DPI = 150

Curve = Mapping[int, float]
"""Value by iteration."""


def save_plot(path: Path, runs: Sequence[Run]) -> None:
    """Save a figure with a panel for each logged metric and for rank-1 in evaluations, and a line for each run.

    The file is written atomically.

    Args:
        path: image file; its suffix gives the format (default: PNG).
        runs: runs to draw.

    Raises:
        SettingsError: if matplotlib is missing, or does not know the format.
        DataError: if no run has logged a step or an evaluation, or if the file cannot be written.
    """
    format_name = _image_format(path)
    panels = curves_by_axis(runs)
    drawn = [i for i in range(len(runs)) if any(curves[i] for curves in panels.values())]
    if not drawn:
        found = f"no logged step in {', '.join(run.name for run in runs)}"
        raise DataError(path, found, "steps to draw", "wait for the first one, see train.log_every")
    figure = draw_figure(panels, {i: runs[i].name for i in drawn})
    with lock_file(path), atomic_write(path) as partial:
        figure.savefig(partial, format=format_name, dpi=_PNG_DPI)


def curves_by_axis(runs: Sequence[Run]) -> dict[str, list[Curve]]:
    """Return the curves of all runs by axis label; a run without this metric has an empty curve."""
    steps = [{step["iteration"]: logged_metrics(step) for step in run.metrics} for run in runs]
    names = dict.fromkeys(name for of_run in steps for metrics in of_run.values() for name in metrics)
    panels: dict[str, list[Curve]] = {}
    for name in names:
        factor = 100 if is_fraction(name) else 1
        panels[metric_label(name) + " (percent)" * is_fraction(name)] = [
            {iteration: factor * metrics[name] for iteration, metrics in of_run.items() if name in metrics}
            for of_run in steps
        ]
    scores: list[Curve] = [
        {iteration: 100 * score for iteration, score in run.scores.by_iteration.items()} for run in runs
    ]
    return {**panels, "evaluated rank-1 (percent)": scores} if any(scores) else panels


def _image_format(path: Path) -> str:
    """Return matplotlib's name of an image format."""
    require_matplotlib("--plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    format_name, known = path.suffix.lstrip(".").lower() or "png", FigureCanvasAgg.get_supported_filetypes()
    if format_name not in known:
        expected = f"a file ending in one of {', '.join(sorted(known))}"
        raise SettingsError("--plot", str(path), expected, "change the suffix")
    return format_name


def draw_figure(panels: Mapping[str, Sequence[Curve]], names: Mapping[int, str]) -> Any:
    """Return a matplotlib figure.

    Args:
        panels: curves of all runs by axis label, see `curves_by_axis`.
        names: names of the runs that have a line, by index.
    """
    from matplotlib.lines import Line2D

    n_columns = min(len(panels), _PANELS_IN_A_ROW)
    n_rows = math.ceil(len(panels) / n_columns)
    width = n_columns * _PANEL_INCHES[0]
    legend = Legend([Line2D([], [], **line_style(i)) for i in names], list(names.values()), width)
    figure = new_figure(width, n_rows * _PANEL_INCHES[1] + legend.inches)
    axes = None
    for position, (label, curves) in enumerate(panels.items(), 1):
        axes = figure.add_subplot(n_rows, n_columns, position, sharex=axes)
        axes.set_ylabel(label, fontsize=POINTS)
        _draw_panel(axes, {i: curves[i] for i in names})
    legend.draw(figure)
    return figure


def _draw_panel(axes: Any, curves: Mapping[int, Curve]) -> None:
    for i, curve in curves.items():
        marker = "o" if len(curve) <= _MARKED_POINTS else ""
        axes.plot(list(curve), list(curve.values()), marker=marker, markersize=3, **line_style(i))
    axes.set_xlabel("iterations", fontsize=POINTS)
    axes.locator_params("x", nbins=5, integer=True)
    style_axes(axes)
