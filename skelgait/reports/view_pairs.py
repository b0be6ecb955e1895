"""Plot of a table by view pairs: one matrix per group, with probe views as rows and gallery views as columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skelgait.display import printable
from skelgait.reports.rows import metric_label
from skelgait.viz.plot_style import POINTS, new_figure, set_title, text_inches, wrap

_CELL_INCHES = 0.335
# Numbers and means would be too small in larger matrices.
_MAX_NUMBERED_VIEWS = 16
_MATRIX_INCHES = 4.2
_MIN_WIDTH_INCHES = 1.9
_MAX_WIDTH_INCHES = 21.0
_MAX_COLUMNS = 4
# Gap between the cells and their means, in cells.
_GAP = 0.3
_MAX_VIEW_CHARACTERS = 18
_NUMBER_POINTS = 7
_LABEL_POINTS = 7
_MAX_LABELS = 30


@dataclass(frozen=True, eq=False)
class ViewMatrix:
    """Metric of a group by view pair, in percent; NaN: the views are not compared.

    Attributes:
        name: name of the group.
        probe_views: A views of the probes.
        gallery_views: V views of the gallery.
        cells: (A, V) values.
        row_means: (A,) mean of each probe view.
        column_means: (V,) mean of each gallery view.
        overall: value of the group.
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
        """Return True if the cells are few enough to show their numbers."""
        return max(len(self.probe_views), len(self.gallery_views)) <= _MAX_NUMBERED_VIEWS


def view_matrices(table: Mapping[str, Any]) -> list[ViewMatrix]:
    """Return the matrices of the first metric of a table, for the groups that have a value."""
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
    """Return a matplotlib figure with one matrix per group, or None if the table has no view pairs."""
    matrices = view_matrices(table)
    if not matrices:
        return None
    characters = max(len(_shortened(v)) for m in matrices for v in (*m.probe_views, *m.gallery_views, "mean"))
    margin = 0.25 + text_inches(characters, _LABEL_POINTS)
    widest, highest = (max(_inches(m)[axis] for m in matrices) for axis in (0, 1))
    width, height = max(widest, _MIN_WIDTH_INCHES) + margin, highest + margin
    columns = max(1, min(len(matrices), _MAX_COLUMNS, int((_MAX_WIDTH_INCHES - 1) / width)))
    rows = math.ceil(len(matrices) / columns)
    columns = math.ceil(len(matrices) / rows)
    lines = max(wrap(m.name, width - margin).count("\n") + 1 for m in matrices)
    size = (columns * width + 1.1, rows * (height + 0.16 * lines + 0.05) + 0.3)
    # The compressed layout would make the titles of narrow matrices overlap.
    figure = new_figure(*size, "compressed" if widest >= _MIN_WIDTH_INCHES else "constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes, matrix in zip(grid.flat, matrices, strict=False):
        mesh = _draw_matrix(axes, matrix)
        set_title(axes, matrix.name, width - margin)
    for axes in list(grid.flat)[len(matrices) :]:
        axes.set_visible(False)
    figure.supxlabel("gallery view", fontsize=POINTS)
    figure.supylabel("probe view", fontsize=POINTS)
    # panchor=False: the panels stay in place, so that their titles do not overlap.
    bar = figure.colorbar(mesh, ax=grid, aspect=30, shrink=min(1.0, 4 / (rows * height)), pad=0.02, panchor=False)
    bar.set_label(f"{metric_label(_first_metric(table))} (percent)", fontsize=POINTS)
    bar.ax.tick_params(labelsize=POINTS - 1)
    bar.outline.set_visible(False)
    return figure


def _cell_inches(matrix: ViewMatrix) -> float:
    return _CELL_INCHES if matrix.has_numbers else _MATRIX_INCHES / max(matrix.cells.shape)


def _inches(matrix: ViewMatrix) -> tuple[float, float]:
    """Return width and height of the cells and their means, in inches."""
    rows, columns = matrix.cells.shape
    means, cell = (1 + _GAP if matrix.has_numbers else 0), _cell_inches(matrix)
    return (columns + means) * cell, (rows + means) * cell


def _draw_matrix(axes: Any, matrix: ViewMatrix) -> Any:
    """Draw the cells, with their means to the right and below."""
    rows, columns = matrix.cells.shape
    mesh = _draw_cells(axes, matrix.cells, 0, 0, matrix.has_numbers)
    x, x_names = [*map(float, range(columns))], [*matrix.gallery_views]
    y, y_names = [*map(float, range(rows))], [*matrix.probe_views]
    if matrix.has_numbers:
        right, below = columns + _GAP, rows + _GAP
        _draw_cells(axes, matrix.row_means[:, None], right, 0.0, True)
        _draw_cells(axes, matrix.column_means[None], 0.0, below, True)
        _draw_cells(axes, np.array([[matrix.overall]]), right, below, True)
        x, x_names = [*x, right], [*x_names, "mean"]
        y, y_names = [*y, below], [*y_names, "mean"]
    axes.set_xlim(0, max(x) + 1)
    axes.set_ylim(max(y) + 1, 0)
    axes.set_aspect("equal")
    axes.set_anchor("NW")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=_LABEL_POINTS, pad=2)
    _label(axes.xaxis, x, x_names, _cell_inches(matrix))
    _label(axes.yaxis, y, y_names)
    return mesh


def _draw_cells(axes: Any, values: NDArray[np.float64], left: float, top: float, has_numbers: bool) -> Any:
    """Draw unit cells. Cells without a value are hatched, or blank in a matrix without numbers."""
    rows, columns = values.shape
    x, y = left + np.arange(columns + 1), top + np.arange(rows + 1)
    missing = np.isnan(values)
    edge = {"edgecolors": "white", "linewidth": 0.8} if has_numbers else {}
    mesh = axes.pcolormesh(x, y, np.ma.masked_array(values, missing), cmap="YlGnBu", vmin=0, vmax=100, **edge)
    if has_numbers:
        hatched = np.ma.masked_array(np.zeros_like(values), ~missing)
        axes.pcolor(x, y, hatched, cmap="Grays", hatch="////", edgecolors="0.8", linewidth=0)
        for row, column in np.argwhere(~missing):
            _write_number(axes, values[row, column], left + column + 0.5, top + row + 0.5)
    return mesh


def _write_number(axes: Any, value: float, x: float, y: float) -> None:
    number = "100" if value >= 99.95 else f"{value:.1f}"
    # Cells with high values are dark.
    color = "black" if value < 62 else "white"
    axes.text(x, y, number, ha="center", va="center", fontsize=_NUMBER_POINTS, color=color)


def _label(axis: Any, positions: Sequence[float], names: Sequence[str], cell_inches: float = math.inf) -> None:
    """Label the cells of an axis: every n-th if there are many, rotated if the labels would overlap."""
    step = math.ceil(len(positions) / _MAX_LABELS)
    short = [_shortened(name) for name in names[::step]]
    axis.set_ticks([position + 0.5 for position in positions[::step]], [printable(name) for name in short])
    for text in axis.get_ticklabels():
        text.set_parse_math(False)
        if text_inches(max(map(len, short)), _LABEL_POINTS) > 0.85 * step * cell_inches:
            text.set_rotation(90)


def _shortened(view: str) -> str:
    """Return the name of a view; long names lose their middle."""
    half = _MAX_VIEW_CHARACTERS // 2 - 1
    return view if len(view) <= _MAX_VIEW_CHARACTERS else f"{view[:half]}..{view[-half:]}"
