"""The plot of a table by view pairs: a matrix for each group, probe view down and gallery view across."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.display import printable
from skelgait.reports.rows import spelled
from skelgait.viz.plot_style import POINTS, inches_of, new_figure, title, wrapped

_CELL_INCHES = 0.335
# From this many views on there are no numbers, and no means at the edges.
_TOO_MANY = 17
_MATRIX_INCHES = 4.2
_NARROWEST = 1.9
_WIDEST = 21.0
_MOST_ACROSS = 4
# Between the cells and their means, in cells.
_GAP = 0.3
_LONGEST_VIEW = 18
_NUMBER_POINTS = 7
_LABEL_POINTS = 7
_MOST_LABELS = 30


@dataclass(frozen=True, eq=False)
class ViewMatrix:
    """A metric of a group, by views, in percent; NaN where two views are not compared.

    Attributes:
        name: the group's name.
        probe_views: A views of probes.
        gallery_views: V views of gallery entries.
        cells: (A, V).
        row_means: (A,).
        column_means: (V,).
        overall: the group's metric.
    """

    name: str
    probe_views: Sequence[str]
    gallery_views: Sequence[str]
    cells: NDArray[np.float64]
    row_means: NDArray[np.float64]
    column_means: NDArray[np.float64]
    overall: float

    @property
    def has_numbers(self) -> bool:
        """Whether the numbers can be read."""
        return max(len(self.probe_views), len(self.gallery_views)) < _TOO_MANY


def view_matrices(table: Mapping[str, Any]) -> list[ViewMatrix]:
    """The matrices of a table's first metric, of the groups that have a value."""
    metric = _first_metric(table)
    matrices = (_matrix(group, metric) for group in table["groups"] if any(group["by_view_pair"].values()))
    return [matrix for matrix in matrices if not np.isnan(matrix.cells).all()]


def _first_metric(table: Mapping[str, Any]) -> str:
    return next(iter(table["groups"][0]["metrics"]), "")


def _matrix(group: Mapping[str, Any], metric: str) -> ViewMatrix:
    by_pair = group["by_view_pair"]
    probe_views = list(by_pair)
    gallery_views = list(dict.fromkeys(view for others in by_pair.values() for view in others))
    cells = np.array([[_percent(by_pair[a].get(b, {}).get(metric)) for b in gallery_views] for a in probe_views])
    row_means = np.array([_percent(group["by_view"].get(view, {}).get(metric)) for view in probe_views])
    with np.errstate(invalid="ignore"):
        column_means = np.nansum(cells, 0) / (~np.isnan(cells)).sum(0)
    overall = _percent(group["metrics"].get(metric))
    return ViewMatrix(group["name"], probe_views, gallery_views, cells, row_means, column_means, overall)


def _percent(share: float | None) -> float:
    return float("nan") if share is None else 100 * share


def draw_view_pairs(table: Mapping[str, Any]) -> Any:
    """A matplotlib figure, a matrix for each group; None where there is nothing to draw."""
    matrices = view_matrices(table)
    if not matrices:
        return None
    labels = max(len(_shortened(v)) for m in matrices for v in (*m.probe_views, *m.gallery_views, "mean"))
    margin = 0.25 + inches_of(labels, _LABEL_POINTS)
    widest, highest = (max(_inches(m)[axis] for m in matrices) for axis in (0, 1))
    width, height = max(widest, _NARROWEST) + margin, highest + margin
    across = max(1, min(len(matrices), _MOST_ACROSS, int((_WIDEST - 1) / width)))
    rows = math.ceil(len(matrices) / across)
    across = math.ceil(len(matrices) / rows)
    lines = max(wrapped(m.name, width - margin).count("\n") + 1 for m in matrices)
    size = (across * width + 1.1, rows * (height + 0.16 * lines + 0.05) + 0.3)
    # Narrow matrices would move together more closely than their titles are wide.
    figure = new_figure(*size, "compressed" if widest >= _NARROWEST else "constrained")
    grid = figure.subplots(rows, across, squeeze=False)
    for axes, matrix in zip(grid.flat, matrices, strict=False):
        shown = _draw_matrix(axes, matrix)
        title(axes, matrix.name, width - margin)
    for axes in list(grid.flat)[len(matrices) :]:
        axes.set_visible(False)
    figure.supxlabel("gallery view", fontsize=POINTS)
    figure.supylabel("probe view", fontsize=POINTS)
    # The panels stay where their titles have room.
    bar = figure.colorbar(shown, ax=grid, aspect=30, shrink=min(1.0, 4 / (rows * height)), pad=0.02, panchor=False)
    bar.set_label(f"{spelled(_first_metric(table))} (percent)", fontsize=POINTS)
    bar.ax.tick_params(labelsize=POINTS - 1)
    bar.outline.set_visible(False)
    return figure


def _cell_inches(matrix: ViewMatrix) -> float:
    return _CELL_INCHES if matrix.has_numbers else _MATRIX_INCHES / max(matrix.cells.shape)


def _inches(matrix: ViewMatrix) -> tuple[float, float]:
    """Width and height of the cells and their means."""
    down, across = matrix.cells.shape
    means, cell = (1 + _GAP if matrix.has_numbers else 0), _cell_inches(matrix)
    return (across + means) * cell, (down + means) * cell


def _draw_matrix(axes: Any, matrix: ViewMatrix) -> Any:
    """Draw the cells, and the means beside and below them."""
    down, across = matrix.cells.shape
    shown = _draw_cells(axes, matrix.cells, 0, 0, matrix.has_numbers)
    places = ([*range(across)], [*range(down)])
    names = ([*matrix.gallery_views], [*matrix.probe_views])
    if matrix.has_numbers:
        for values, left, top in (
            (matrix.row_means[:, None], across + _GAP, 0.0),
            (matrix.column_means[None], 0.0, down + _GAP),
            (np.array([[matrix.overall]]), across + _GAP, down + _GAP),
        ):
            _draw_cells(axes, values, left, top, True)
        for these, place in zip(places, (across + _GAP, down + _GAP), strict=True):
            these.append(place)
        for own in names:
            own.append("mean")
    axes.set_xlim(0, max(places[0]) + 1)
    axes.set_ylim(max(places[1]) + 1, 0)
    axes.set_aspect("equal")
    axes.set_anchor("NW")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=_LABEL_POINTS, pad=2)
    _label(axes.xaxis, places[0], names[0], _cell_inches(matrix))
    _label(axes.yaxis, places[1], names[1])
    return shown


def _draw_cells(axes: Any, values: NDArray[np.float64], left: float, top: float, has_numbers: bool) -> Any:
    """Draw cells of one unit; where there is no value they are hatched, or blank where cells are small."""
    down, across = values.shape
    x, y = left + np.arange(across + 1), top + np.arange(down + 1)
    missing = np.isnan(values)
    edge = {"edgecolors": "white", "linewidth": 0.8} if has_numbers else {}
    shown = axes.pcolormesh(x, y, np.ma.masked_array(values, missing), cmap="YlGnBu", vmin=0, vmax=100, **edge)
    if has_numbers:
        hatched = np.ma.masked_array(np.zeros_like(values), ~missing)
        axes.pcolor(x, y, hatched, cmap="Grays", hatch="////", edgecolors="0.8", linewidth=0)
        for row, column in np.argwhere(~missing):
            _write_number(axes, values[row, column], left + column + 0.5, top + row + 0.5)
    return shown


def _write_number(axes: Any, value: float, x: float, y: float) -> None:
    number = "100" if value >= 99.95 else f"{value:.1f}"
    # As the cells grow darker.
    color = "black" if value < 62 else "white"
    axes.text(x, y, number, ha="center", va="center", fontsize=_NUMBER_POINTS, color=color)


def _label(axis: Any, places: Sequence[float], names: Sequence[str], cell: float = math.inf) -> None:
    """Name the cells of so many inches; of many, some alone. Names that have no room beside each other are turned."""
    step = math.ceil(len(places) / _MOST_LABELS)
    short = [_shortened(name) for name in names[::step]]
    axis.set_ticks([place + 0.5 for place in places[::step]], [printable(name) for name in short])
    for text in axis.get_ticklabels():
        text.set_parse_math(False)
        if inches_of(max(map(len, short)), _LABEL_POINTS) > 0.85 * step * cell:
            text.set_rotation(90)


def _shortened(view: str) -> str:
    """A view's name, without its middle where it is long."""
    half = _LONGEST_VIEW // 2 - 1
    return view if len(view) <= _LONGEST_VIEW else f"{view[:half]}..{view[-half:]}"
