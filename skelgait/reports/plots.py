"""The plots of a report, drawn with matplotlib, each as a PNG file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from skelgait.reports.cmc import draw_cmc
from skelgait.reports.roc import draw_roc
from skelgait.reports.rows import Report
from skelgait.reports.view_pairs import draw_view_pairs
from skelgait.viz.plot_style import png_of, require_matplotlib


class Plot(NamedTuple):
    """A plot: the name of its file, what it shows, and the file."""

    name: str
    title: str
    png: bytes


def plots_of(report: Report) -> Iterator[Plot]:
    """The plots that a report has something for.

    `cmc.png`: cumulative matching of all ranked tables. `views-<n>.png`: the matrices of the n-th table, from 1, where
    that goes by view pairs. `roc.png`: true accepts against false ones, where a table verifies.

    Args:
        report: the report as plain data.

    Raises:
        SettingsError: matplotlib is not installed.
    """
    require_matplotlib("--pictures")
    figure = draw_cmc(report)
    if figure is not None:
        what = "Cumulative matching: share of probes with a true match among the k nearest gallery entries, by rank k"
        yield Plot("cmc.png", what, png_of(figure))
    for number, table in enumerate(report["tables"], 1):
        figure = draw_view_pairs(table)
        if figure is not None:
            what = f"{table['title']}: probe view down, gallery view across; hatched where views are not compared"
            yield Plot(f"views-{number}.png", what, png_of(figure))
    figure = draw_roc(report)
    if figure is not None:
        what = "Verification: share of true accepts against share of false accepts, which is on a logarithmic axis"
        yield Plot("roc.png", what, png_of(figure))
