"""Plots of a report as PNG, drawn with matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from skelgait.reports.cmc import draw_cmc
from skelgait.reports.open_set import draw_open_set
from skelgait.reports.roc import draw_roc
from skelgait.reports.rows import Report
from skelgait.reports.view_pairs import draw_view_pairs
from skelgait.viz.plot_style import require_matplotlib, to_png


class Plot(NamedTuple):
    """Plot of a report.

    Attributes:
        name: file name.
        title: caption.
        png: content of the PNG file.
    """

    name: str
    title: str
    png: bytes


def available_plots(report: Report) -> Iterator[Plot]:
    """Yield the plots that a report has data for.

    `cmc.png` has the cumulative matching curves of all ranked tables, `views-<n>.png` the view pair matrices of table n
    (from 1), `roc.png` the ROC curves of verification, and `open-set.png` the error rates of an open set.

    Args:
        report: report as plain data.

    Raises:
        SettingsError: if matplotlib is not installed.
    """
    require_matplotlib("--pictures")
    figure = draw_cmc(report)
    if figure is not None:
        title = "Cumulative matching: share of probes with a true match among the k nearest gallery entries, by rank k"
        yield Plot("cmc.png", title, to_png(figure))
    for number, table in enumerate(report["tables"], 1):
        figure = draw_view_pairs(table)
        if figure is not None:
            title = (
                f"{table['title']}: by probe view (rows) and gallery view (columns); excluded view pairs are hatched"
            )
            yield Plot(f"views-{number}.png", title, to_png(figure))
    figure = draw_roc(report)
    if figure is not None:
        title = "Verification (ROC): true accept rate by false accept rate, on a logarithmic axis"
        yield Plot("roc.png", title, to_png(figure))
    figure = draw_open_set(report)
    if figure is not None:
        title = "Open set: FNIR, and DIR at rank 1, by false positive identification rate (FPIR), on a logarithmic axis"
        yield Plot("open-set.png", title, to_png(figure))
