"""An evaluation as rows of one long table, and the published metrics beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Report = Mapping[str, Any]
"""`skelgait.pipelines.Evaluation.to_dict`, or the same read from a file."""


class Row(NamedTuple):
    """A metric; metrics are in [0, 1], and None where no probe counts.

    Attributes:
        table: title of the table.
        group: name of the group.
        part: what the metric is over: `all`, `condition`, `view` or `view pair`.
        condition: of the probes; empty for all.
        probe_view: likewise.
        gallery_view: likewise.
        metric: its name.
        value: its value.
        low: lower end of the 95 % interval.
        high: upper end.
        published: what the paper says.
        difference: the value less the published one.
        probes: probes of the group; this and the next two of the metrics over all alone.
        gallery: its gallery entries.
        unmatched: its probes without a true match.
    """

    table: str
    group: str
    part: str
    condition: str
    probe_view: str
    gallery_view: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    published: float | None
    difference: float | None
    probes: int | None
    gallery: int | None
    unmatched: int | None


def rows_of(report: Report) -> Iterator[Row]:
    """All metrics of a report."""
    for table in report["tables"]:
        for group in table["groups"]:
            for part, condition, probe_view, gallery_view, metrics in _parts(group):
                for metric, value in metrics.items():
                    is_all = part == "all"
                    low, high = (is_all and group["intervals"].get(metric)) or (None, None)
                    published = published_of(report, table, group["name"], metric) if is_all else None
                    yield Row(
                        table["title"], group["name"], part, condition, probe_view, gallery_view, metric,
                        value, low, high, published, difference_to(value, published),
                        *(group[name] if is_all else None for name in ("n_probes", "n_gallery", "n_unmatched")),
                    )  # fmt: skip


def published_of(report: Report, table: Mapping[str, Any], group: str, metric: str) -> float | None:
    """The published metric: rank-1 of the first table's groups, for the network of the report."""
    if table is not report["tables"][0] or metric != "rank_1":
        return None
    own = report["published"].get(report.get("network"), {})
    return own.get(group)  # type: ignore[no-any-return]


def difference_to(value: float | None, published: float | None) -> float | None:
    """A value less the published one; None where either is missing."""
    return None if value is None or published is None else value - published


def spelled(metric: str) -> str:
    """A metric's name as people write it."""
    known = {"mean_ap": "mAP", "mean_inp": "mINP", "eer": "EER"}
    if metric.startswith("tar_at_far_"):
        return f"TAR at FAR {100 * float(metric.removeprefix('tar_at_far_')):g} %"
    return known.get(metric, metric.replace("rank_", "rank-"))


def percent(share: float | None) -> str:
    """A share in percent, with one digit after the point."""
    return "-" if share is None else f"{100 * share:.1f}"


def signed_percent(difference: float | None) -> str:
    """A difference of shares in percent points, with its sign."""
    # Rounded first, and 0 added, so that nothing is -0.0.
    return "-" if difference is None else f"{round(100 * difference, 1) + 0.0:+.1f}"


def _parts(group: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, Mapping[str, float | None]]]:
    yield "all", "", "", "", group["metrics"]
    for condition, metrics in group["by_condition"].items():
        yield "condition", condition, "", "", metrics
    for view, metrics in group["by_view"].items():
        yield "view", "", view, "", metrics
    for view, others in group["by_view_pair"].items():
        for other, metrics in others.items():
            yield "view pair", "", view, other, metrics
