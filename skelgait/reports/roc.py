"""Plot of the receiver operating characteristic (ROC) of verification."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.reports.rows import Report, percent
from skelgait.viz.plot_style import POINTS, Legend, line_style, new_figure, set_title, style_axes, wrap

Floats = NDArray[np.float64]

_PANEL_INCHES = (4.6, 3.2)
_MAX_COLUMNS = 2
_EER_MARKER: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markerfacecolor": "white", "markeredgewidth": 1.3}
_CHANCE_LINE: dict[str, Any] = {"color": "0.55", "linestyle": (0, (2, 2)), "linewidth": 1}


def roc_tables(report: Report) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Return each verification table with its groups that have a curve."""
    panels = []
    for table in report["tables"]:
        groups = [group for group in table["groups"] if group["roc"] and group["roc"]["false_accept_rates"]]
        if groups:
            panels.append((table, groups))
    return panels


def draw_roc(report: Report) -> Any:
    """Return a matplotlib figure with one panel per verification table, or None if the report has no curve."""
    from matplotlib.lines import Line2D

    panels = roc_tables(report)
    if not panels:
        return None
    columns = min(len(panels), _MAX_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    width = max(columns * _PANEL_INCHES[0], 6.2)
    panel_width = width / columns - 0.8
    curves = [(table, group) for table, groups in panels for group in groups]
    lines = [line_style(i) for i in range(len(curves))]
    handles = [Line2D([], [], **style) for style in lines]
    handles += [Line2D([], [], color="0.3", linestyle="", **_EER_MARKER), Line2D([], [], **_CHANCE_LINE)]
    names = [*(_legend_entry(group) for _, group in curves), "equal error rate (EER)", "chance"]
    legend = Legend(handles, names, width)
    title_lines = max(wrap(table["title"], panel_width).count("\n") + 1 for table, _ in panels)
    figure = new_figure(width, rows * (_PANEL_INCHES[1] + 0.16 * title_lines) + legend.inches)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, (table, _) in zip(grid.flat, panels, strict=False):
        groups = [(group, lines[i]) for i, (curve_table, group) in enumerate(curves) if curve_table is table]
        _draw_panel(axes, groups)
        set_title(axes, table["title"], panel_width)
    for axes in grid[:, 0]:
        axes.set_ylabel("true accept rate (percent)", fontsize=POINTS)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    legend.draw(figure)
    return figure


def curve_points(roc: Mapping[str, Any], eer: float | None) -> tuple[Floats, Floats]:
    """Return the false and the true accept rates (n,) of the points to draw a line through.

    Args:
        roc: curve of a report.
        eer: equal error rate, which becomes a point of the line; None: no such point.
    """
    false, true = (np.asarray(roc[name], float) for name in ("false_accept_rates", "true_accept_rates"))
    if eer is None:
        return false, true
    # A line that is straight between two accept rates is not straight on a logarithmic axis.
    position = int(np.searchsorted(false + true, 1.0))
    return np.insert(false, position, eer), np.insert(true, position, 1 - eer)


def _legend_entry(group: Mapping[str, Any]) -> str:
    roc, eer = group["roc"], group["metrics"].get("eer")
    rate = "" if eer is None else f"EER {percent(eer)} %, "
    return f"{group['name']}: {rate}{roc['n_genuine']} genuine and {roc['n_impostor']} impostor pairs"


def _draw_panel(axes: Any, groups: list[tuple[Mapping[str, Any], dict[str, Any]]]) -> None:
    # The smallest non-zero rate is one pair; rates of zero are drawn there, as the axis is logarithmic.
    smallest = 1 / max(2, *(group["roc"]["n_impostor"] for group, _ in groups))
    for group, style in groups:
        eer = group["metrics"].get("eer")
        false, true = curve_points(group["roc"], eer)
        axes.plot(100 * np.maximum(false, smallest), 100 * true, **style)
        if eer is not None:
            axes.plot(
                [100 * max(eer, smallest)], [100 * (1 - eer)], color=style["color"], linestyle="", zorder=5,
                clip_on=False, **_EER_MARKER,
            )  # fmt: skip
    chance = np.geomspace(smallest, 1, 100)
    axes.plot(100 * chance, 100 * chance, zorder=1, **_CHANCE_LINE)
    axes.set_xscale("log")
    axes.set_xlim(100 * smallest, 100)
    axes.set_ylim(0, 101)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_xlabel("false accept rate (percent of impostor pairs)", fontsize=POINTS)
    style_axes(axes)
