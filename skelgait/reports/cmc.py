"""The plot of cumulative matching: who has a true match among the k nearest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from skelgait.reports.rows import Report, published_of
from skelgait.viz.plot_style import POINTS, Legend, look, mark, new_figure, plain_axes, title, wrapped

_PANEL_INCHES = (3.7, 2.7)
_ACROSS = 3
_RANKS = (1, 2, 3, 5, 10, 20, 30, 50)
_MOST = 50

Curve = list[float]


def curves_of(report: Report) -> list[tuple[Mapping[str, Any], dict[str, Curve]]]:
    """Of each ranked table, the curves in percent by group, as far as there are entries to rank."""
    found = []
    for table in report["tables"]:
        curves = {group["name"]: _curve(group) for group in table["groups"]}
        curves = {name: curve for name, curve in curves.items() if curve}
        if curves:
            found.append((table, curves))
    return found


def _curve(group: Mapping[str, Any]) -> Curve:
    shares = group["cmc"][: min(group["n_gallery"], _MOST)]
    # Where no probe counts, none does at any rank.
    return [] if any(share is None for share in shares) else [100 * share for share in shares]


def draw_cmc(report: Report) -> Any:
    """A matplotlib figure, a panel for each ranked table; None where there is nothing to draw."""
    from matplotlib.lines import Line2D

    panels = curves_of(report)
    if not panels:
        return None
    names = list(dict.fromkeys(name for _, curves in panels for name in curves))
    looks = {name: look(i) for i, name in enumerate(names)}
    published = _published(report, panels)
    marks = {name: mark(i) for i, name in enumerate(names) if name in published}
    handles = [Line2D([], [], **looks[name], **marks.get(name, {})) for name in names]
    if published:
        handles.append(Line2D([], [], color="0.3", linestyle="", **mark(0)))
    across = min(len(panels), _ACROSS)
    rows = math.ceil(len(panels) / across)
    width = max(across * _PANEL_INCHES[0], 4.6)
    legend = Legend(handles, [*names, *(["published rank-1"] if published else [])], width)
    panel_width = width / across - 0.8
    lines = max(wrapped(table["title"], panel_width).count("\n") + 1 for table, _ in panels)
    figure = new_figure(width, rows * (_PANEL_INCHES[1] + 0.16 * lines) + legend.inches)
    grid = figure.subplots(rows, across, squeeze=False, sharey=True)
    lowest = min([*(curve[0] for _, curves in panels for curve in curves.values()), *published.values()])
    for axes, (table, curves) in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, curves, looks)
        if table is report["tables"][0]:
            for name, value in published.items():
                own = {"color": looks[name]["color"], "linestyle": "", **marks[name]}
                axes.plot([1], [value], clip_on=False, zorder=5, **own)
        axes.set_ylim(max(0, 10 * math.floor((lowest - 2) / 10)), 101)
        title(axes, table["title"], panel_width)
    for axes in grid[:, 0]:
        axes.set_ylabel("probes recognized (percent)", fontsize=POINTS)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    legend.draw(figure)
    return figure


def _published(report: Report, panels: Sequence[tuple[Mapping[str, Any], Mapping[str, Curve]]]) -> dict[str, float]:
    """Published rank-1 of the groups of the first table, in percent."""
    found = {}
    for table, curves in panels:
        for name in curves:
            share = published_of(report, table, name, "rank_1")
            if share is not None:
                found[name] = 100 * share
    return found


def _draw_panel(axes: Any, curves: Mapping[str, Curve], looks: Mapping[str, dict[str, Any]]) -> None:
    most = max(map(len, curves.values()))
    for name, curve in curves.items():
        # A line of one point would not be seen.
        axes.plot(range(1, len(curve) + 1), curve, marker="o" if len(curve) == 1 else "", markersize=4, **looks[name])
    axes.set_xscale("log")
    axes.set_xlim(0.93, max(1.5, most * 1.05))
    ticks = [rank for rank in _RANKS if rank <= most]
    if most > 1.3 * ticks[-1]:
        ticks.append(most)
    axes.set_xticks(ticks, [str(rank) for rank in ticks])
    axes.minorticks_off()
    axes.set_xlabel("rank", fontsize=POINTS)
    plain_axes(axes)
