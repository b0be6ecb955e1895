"""Plot of the cumulative matching characteristic (CMC)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from skelgait.reports.rows import Report, published_values
from skelgait.viz.plot_style import (
    POINTS,
    Legend,
    line_style,
    marker_style,
    new_figure,
    set_title,
    style_axes,
    wrap,
)

_PANEL_INCHES = (3.7, 2.7)
_MAX_COLUMNS = 3
_TICKS = (1, 2, 3, 5, 10, 20, 30, 50)
_MAX_RANK = 50

Curve = list[float]


def cmc_curves(report: Report) -> list[tuple[Mapping[str, Any], dict[str, Curve]]]:
    """Return each ranked table with its curves by group, in percent; a curve ends at the size of the gallery."""
    panels = []
    for table in report["tables"]:
        curves = {group["name"]: _curve(group) for group in table["groups"]}
        curves = {name: curve for name, curve in curves.items() if curve}
        if curves:
            panels.append((table, curves))
    return panels


def _curve(group: Mapping[str, Any]) -> Curve:
    shares = group["cmc"][: min(group["n_gallery"], _MAX_RANK)]
    # A group without valid probes has no curve.
    return [] if any(share is None for share in shares) else [100 * share for share in shares]


def draw_cmc(report: Report) -> Any:
    """Return a matplotlib figure with one panel per ranked table, or None if the report has no curve."""
    from matplotlib.lines import Line2D

    panels = cmc_curves(report)
    if not panels:
        return None
    names = list(dict.fromkeys(name for _, curves in panels for name in curves))
    lines = {name: line_style(i) for i, name in enumerate(names)}
    published = _published(report, panels)
    markers = {name: marker_style(i) for i, name in enumerate(names) if any(name == mark.group for mark in published)}
    handles = [Line2D([], [], **lines[name], **markers.get(name, {})) for name in names]
    if published:
        handles.append(Line2D([], [], color="0.3", linestyle="", **marker_style(0)))
    columns = min(len(panels), _MAX_COLUMNS)
    rows = math.ceil(len(panels) / columns)
    width = max(columns * _PANEL_INCHES[0], 4.6)
    legend = Legend(handles, [*names, *(["published rank-1"] if published else [])], width)
    panel_width = width / columns - 0.8
    title_lines = max(wrap(table["title"], panel_width).count("\n") + 1 for table, _ in panels)
    figure = new_figure(width, rows * (_PANEL_INCHES[1] + 0.16 * title_lines) + legend.inches)
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    lowest = min(
        [*(curve[0] for _, curves in panels for curve in curves.values()), *(mark.percent for mark in published)]
    )
    for axes, (table, curves) in zip(grid.flat, panels, strict=False):
        _draw_panel(axes, curves, lines)
        for mark in (mark for mark in published if mark.table == table["title"]):
            style = {"color": lines[mark.group]["color"], "linestyle": "", **markers[mark.group]}
            axes.plot([1], [mark.percent], clip_on=False, zorder=5, **style)
        axes.set_ylim(max(0, 10 * math.floor((lowest - 2) / 10)), 101)
        set_title(axes, table["title"], panel_width)
    for axes in grid[:, 0]:
        axes.set_ylabel("recognized probes (percent)", fontsize=POINTS)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    legend.draw(figure)
    return figure


class _Mark(NamedTuple):
    table: str
    group: str
    percent: float


def _published(report: Report, panels: Sequence[tuple[Mapping[str, Any], Mapping[str, Curve]]]) -> list[_Mark]:
    """Return the published rank-1 of all groups, in percent."""
    return [
        _Mark(table["title"], name, 100 * share)
        for table, curves in panels
        for name in curves
        for share, _ in published_values(report, table, name, "rank_1")
        if share is not None
    ]


def _draw_panel(axes: Any, curves: Mapping[str, Curve], lines: Mapping[str, dict[str, Any]]) -> None:
    last_rank = max(map(len, curves.values()))
    for name, curve in curves.items():
        # A line through one point is invisible, so mark the point.
        marker = "o" if len(curve) == 1 else ""
        axes.plot(range(1, len(curve) + 1), curve, marker=marker, markersize=4, **lines[name])
    axes.set_xscale("log")
    axes.set_xlim(0.93, max(1.5, last_rank * 1.05))
    ticks = [rank for rank in _TICKS if rank <= last_rank]
    if last_rank > 1.3 * ticks[-1]:
        ticks.append(last_rank)
    axes.set_xticks(ticks, [str(rank) for rank in ticks])
    axes.minorticks_off()
    axes.set_xlabel("rank", fontsize=POINTS)
    style_axes(axes)
