"""Plot of the error rates of open-set identification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from skelgait.reports.rows import Report
from skelgait.viz.plot_style import POINTS, Legend, line_style, new_figure, set_title, style_axes, wrap

_PANEL_INCHES = (4.6, 3.2)
_RATES = {
    "false_negative_rates": "FNIR (percent of mated searches)",
    "detection_rates": "DIR at rank 1 (percent of mated searches)",
}


def open_set_curves(report: Report) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """Return each open-set table with its groups that have a curve."""
    panels = []
    for table in report["tables"]:
        # Reports of earlier versions have no such key.
        sets = [(group, group.get("open_set")) for group in table["groups"]]
        groups = [group for group, open_set in sets if open_set and open_set["false_positive_rates"]]
        if groups:
            panels.append((table, groups))
    return panels


def draw_open_set(report: Report) -> Any:
    """Return a matplotlib figure with one row per open-set table, or None if the report has no curve."""
    from matplotlib.lines import Line2D

    panels = open_set_curves(report)
    if not panels:
        return None
    width = 2 * _PANEL_INCHES[0]
    panel_width = width / 2 - 0.8
    curves = [group for _, groups in panels for group in groups]
    lines = [line_style(i) for i in range(len(curves))]
    legend = Legend([Line2D([], [], **style) for style in lines], [_legend_entry(group) for group in curves], width)
    title_lines = max(wrap(table["title"], panel_width).count("\n") + 1 for table, _ in panels)
    figure = new_figure(width, len(panels) * (_PANEL_INCHES[1] + 0.16 * title_lines) + legend.inches)
    grid = figure.subplots(len(panels), 2, squeeze=False)
    styles = iter(lines)
    for row, (table, groups) in zip(grid, panels, strict=True):
        group_styles = [(group["open_set"], next(styles)) for group in groups]
        for axes, (name, label) in zip(row, _RATES.items(), strict=True):
            for open_set, style in group_styles:
                axes.plot(
                    100 * np.array(open_set["false_positive_rates"]), 100 * np.array(open_set[name]), marker="o",
                    markersize=2, **style,
                )  # fmt: skip
            _style_panel(axes, label)
            set_title(axes, table["title"], panel_width)
    legend.draw(figure)
    return figure


def _legend_entry(group: Mapping[str, Any]) -> str:
    mated, non_mated = (round(np.mean(group["open_set"][name])) for name in ("n_mated", "n_non_mated"))
    return f"{group['name']}: {mated} mated and {non_mated} non-mated searches, mean of the enrollments"


def _style_panel(axes: Any, label: str) -> None:
    axes.set_xscale("log")
    axes.set_ylim(-1, 101)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_xlabel("FPIR (percent of non-mated searches)", fontsize=POINTS)
    axes.set_ylabel(label, fontsize=POINTS)
    style_axes(axes)
