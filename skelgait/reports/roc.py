"""The plot of verification: true accepts against false ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from skelgait.reports.rows import Report, percent
from skelgait.viz.plot_style import POINTS, Legend, look, new_figure, plain_axes, title, wrapped

_PANEL_INCHES = (4.6, 3.2)
_ACROSS = 2


def verified_of(report: Report) -> list[tuple[Mapping[str, Any], list[Mapping[str, Any]]]]:
    """The tables that verify, each with the groups that have a curve."""
    found = []
    for table in report["tables"]:
        groups = [group for group in table["groups"] if group["roc"] and group["roc"]["false"]]
        if groups:
            found.append((table, groups))
    return found


def draw_roc(report: Report) -> Any:
    """A matplotlib figure, a panel for each table that verifies; None where there is nothing to draw."""
    from matplotlib.lines import Line2D

    panels = verified_of(report)
    if not panels:
        return None
    across = min(len(panels), _ACROSS)
    rows = math.ceil(len(panels) / across)
    width = max(across * _PANEL_INCHES[0], 6.2)
    panel_width = width / across - 0.8
    lines = [(table, group) for table, groups in panels for group in groups]
    looks = [look(i) for i in range(len(lines))]
    handles = [Line2D([], [], **own) for own in looks]
    handles += [Line2D([], [], color="0.3", linestyle="", **_MARKER), Line2D([], [], **_CHANCE)]
    legend = Legend(handles, [*(_named(group) for _, group in lines), "equal error rate (EER)", "chance"], width)
    title_lines = max(wrapped(table["title"], panel_width).count("\n") + 1 for table, _ in panels)
    figure = new_figure(width, rows * (_PANEL_INCHES[1] + 0.16 * title_lines) + legend.inches)
    grid = figure.subplots(rows, across, squeeze=False, sharey=True)
    for axes, (table, _) in zip(grid.flat, panels, strict=False):
        own = [(group, looks[i]) for i, (of, group) in enumerate(lines) if of is table]
        _draw_panel(axes, own)
        title(axes, table["title"], panel_width)
    for axes in grid[:, 0]:
        axes.set_ylabel("true accepts (percent)", fontsize=POINTS)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    legend.draw(figure)
    return figure


_MARKER: dict[str, Any] = {"marker": "o", "markersize": 5.5, "markerfacecolor": "white", "markeredgewidth": 1.3}
_CHANCE: dict[str, Any] = {"color": "0.55", "linestyle": (0, (2, 2)), "linewidth": 1}


def _named(group: Mapping[str, Any]) -> str:
    roc, eer = group["roc"], group["metrics"].get("eer")
    rate = "" if eer is None else f"EER {percent(eer)} %, "
    return f"{group['name']}: {rate}{roc['n_genuine']} pairs of one person, {roc['n_impostor']} of two"


def _draw_panel(axes: Any, groups: list[tuple[Mapping[str, Any], dict[str, Any]]]) -> None:
    # No share but 0 is below one pair in all.
    least = 1 / max(2, *(group["roc"]["n_impostor"] for group, _ in groups))
    for group, own in groups:
        false = np.maximum(np.asarray(group["roc"]["false"], float), least)
        axes.plot(100 * false, 100 * np.asarray(group["roc"]["true"], float), drawstyle="steps-post", **own)
        eer = group["metrics"].get("eer")
        if eer is not None:
            axes.plot(
                [100 * max(eer, least)], [100 * (1 - eer)], color=own["color"], linestyle="", zorder=5, clip_on=False,
                **_MARKER,
            )  # fmt: skip
    chance = np.geomspace(least, 1, 100)
    axes.plot(100 * chance, 100 * chance, zorder=1, **_CHANCE)
    axes.set_xscale("log")
    axes.set_xlim(100 * least, 100)
    axes.set_ylim(0, 101)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.minorticks_off()
    axes.set_xlabel("false accepts (percent of the pairs of two people)", fontsize=POINTS)
    plain_axes(axes)
