"""Report as rows of one long table, with published results; spelling of metrics and numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from skelgait.matching.metrics import as_percent, find_metric, is_metric

Report = Mapping[str, Any]
"""Report as plain data: `skelgait.pipelines.evaluate.Evaluation.to_dict`, or `report.json`."""


class MetricRow(NamedTuple):
    """Value of a metric.

    Attributes:
        table: title of the table.
        group: name of the group.
        breakdown: probes that the value is computed over: `all` (also `published`), or those of one `condition`, `view`
            or `view pair`.
        condition: condition of the probes; empty: all.
        probe_view: view of the probes; empty: all.
        gallery_view: view of the gallery; empty: all.
        metric: name of the metric.
        value: value in [0, 1]; None: no valid probe.
        low: lower end of the 95 % bootstrap interval.
        high: upper end of the interval.
        published: published value in [0, 1]. If there are several, each further one has a row of its own, with the
            breakdown `published`.
        difference: value minus published value; empty if they cannot be compared.
        source: publication of the published value.
        probes: number of probes of the group; only in rows over all probes, like the next two.
        gallery: number of gallery entries of the group.
        unmatched: number of probes without a true match.
    """

    table: str
    group: str
    breakdown: str
    condition: str
    probe_view: str
    gallery_view: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    published: float | None
    difference: float | None
    source: str
    probes: int | None
    gallery: int | None
    unmatched: int | None


def rows_of(report: Report) -> Iterator[MetricRow]:
    """Yield all metrics of a report."""
    for table in report["tables"]:
        for group in table["groups"]:
            for breakdown, condition, probe_view, gallery_view, metrics in _breakdowns(group):
                for metric, value in metrics.items():
                    is_all = breakdown == "all"
                    low, high = (is_all and group["intervals"].get(metric)) or (None, None)
                    published = published_values(report, table, group["name"], metric) if is_all else []
                    for i, result in enumerate(published or [PublishedValue(None, "")]):
                        yield MetricRow(
                            table["title"], group["name"], "published" if i else breakdown, condition, probe_view,
                            gallery_view, metric, value, low, high, result.value,
                            difference_to(report, value, result.value), result.source,
                            *(group[name] if is_all else None for name in ("n_probes", "n_gallery", "n_unmatched")),
                        )  # fmt: skip


class PublishedValue(NamedTuple):
    """Published value of a metric of a group.

    Attributes:
        value: value in [0, 1]; None: none is known.
        source: publication of the value.
    """

    value: float | None
    source: str


def published_values(report: Report, table: Mapping[str, Any], group: str, metric: str) -> list[PublishedValue]:
    """Return the published values for the network of the report, one for each source."""
    titles = (table["title"], "") if table is report["tables"][0] else (table["title"],)
    return [
        PublishedValue(result["values"][group], result["source"])
        for result in report["published"]
        if result["network"] == report.get("network")
        and (result["metric"] == metric and result["table"] in titles and group in result["values"])
    ]


def difference_to(report: Report, value: float | None, published: float | None) -> float | None:
    """Return value minus published value; None if either is missing, or if they cannot be compared."""
    return None if value is None or published is None or report.get("incomparable") else value - published


def metric_label(metric: str) -> str:
    """Return the label of a metric, for example rank-1 for `rank_1`; the name itself if the metric is unknown."""
    return find_metric(metric).label if is_metric(metric) else metric


def format_metric(metric: str, value: float | None) -> str:
    """Return the text of the value of a metric, in percent for most metrics; "-" for None."""
    if value is None:
        return "-"
    return find_metric(metric).text(value) if is_metric(metric) else percent(value)


def percent(share: float | None) -> str:
    """Return a value in [0, 1] as percent with one decimal."""
    return "-" if share is None else as_percent(share)


def signed_percent(difference: float | None) -> str:
    """Return a difference of values in [0, 1] in percentage points, with its sign."""
    # Adding 0 after rounding turns -0.0 into 0.0.
    return "-" if difference is None else f"{round(100 * difference, 1) + 0.0:+.1f}"


def _breakdowns(group: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, Mapping[str, float | None]]]:
    yield "all", "", "", "", group["metrics"]
    for condition, metrics in group["by_condition"].items():
        yield "condition", condition, "", "", metrics
    for view, metrics in group["by_view"].items():
        yield "view", "", view, "", metrics
    for view, others in group["by_view_pair"].items():
        for other, metrics in others.items():
            yield "view pair", "", view, other, metrics
