"""Metrics in one table: name, label, computation and text of each. This module imports neither torch nor numba.

A metric of recognition computes one value for each probe from the ranks of its true matches. `skelgait.evaluation`
averages these values. A metric of verification computes one value from the accept rates over all pairs, and a metric of
an open set from the error rates of all searches.

`rank_metric(k)`, `tar_metric(far)`, `fnir_metric(fpir)` and `dir_metric(fpir)` make the metrics rank-k, TAR@FAR,
FNIR@FPIR and DIR@FPIR, so that `find_metric` knows `rank_7` and `tar_at_far_0.05` too. To add a metric, append a record
to `METRICS`, or call `register_metric` in your program:

>>> mean_rank = Metric("mean_rank", "mean rank", lambda ranks: ranks.first, text=lambda value: f"{value:.2f}")
>>> register_metric(mean_rank)
>>> find_metric("mean_rank").text(3.25)
'3.25'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from skelgait.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skelgait.matching.open_set import OpenSetRates
    from skelgait.matching.ranking import Ranks
    from skelgait.matching.verification import AcceptRates

MetricKind = Literal["ranks", "verification", "open_set"]


def as_percent(value: float) -> str:
    """Return a fraction in percent, with one decimal."""
    return f"{100 * value:.1f}"


@dataclass(frozen=True)
class Metric:
    """Metric of recognition (`from_ranks`), of verification (`from_rates`) or of an open set (`from_open_set`).

    Attributes:
        name: name in protocols, reports and files, for example rank_1.
        label: name in tables and plots, for example rank-1.
        from_ranks: function of the `Ranks` (P, V) of a group; returns the value of each probe in each gallery (P, V).
            Values of probes without a true match are replaced, see `unmatched_value`.
        from_rates: function of the `AcceptRates` over all pairs; returns one value.
        from_open_set: function of the `OpenSetRates` of one enrollment; returns one value.
        unmatched_value: value of a probe without a true match, if the table counts it as wrong; default, None: the
            probe does not count.
        needs_all_matches: True if `from_ranks` uses the average precision or the inverse negative penalty, which need
            the ranks of all true matches; False if it uses the first rank only, which is faster.
        min_gallery: smallest gallery for which the metric is meaningful; default: 1.
        max_false_accept_rate: false accept rate, or false positive identification rate, that the metric is about, in
            (0, 1]; default: 1.
        text: function that formats a value for tables; default: percent with one decimal.
    """

    name: str
    label: str
    from_ranks: Callable[[Ranks], NDArray[Any]] | None = None
    from_rates: Callable[[AcceptRates], float] | None = None
    from_open_set: Callable[[OpenSetRates], float] | None = None
    unmatched_value: float | None = None
    needs_all_matches: bool = True
    min_gallery: int = 1
    max_false_accept_rate: float = 1.0
    text: Callable[[float], str] = as_percent

    def __post_init__(self) -> None:
        names = ("from_ranks", "from_rates", "from_open_set")
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of from_ranks, from_rates and from_open_set"
            raise SettingsError(f"metric {self.name}", found, "one of them", "give the function that computes it")

    @property
    def kind(self) -> MetricKind:
        """Kind of table that the metric is for."""
        if self.from_open_set is not None:
            return "open_set"
        return "verification" if self.from_ranks is None else "ranks"


def rank_metric(k: int) -> Metric:
    """Return rank-k: the share of probes with a true match among the k nearest gallery entries (CMC at rank k)."""
    return Metric(
        f"rank_{k}",
        f"rank-{k}",
        from_ranks=lambda ranks: ranks.first <= k,
        unmatched_value=0.0,
        needs_all_matches=False,
        min_gallery=k,
    )


def tar_metric(far: str) -> Metric:
    """Return TAR@FAR: the largest true accept rate at which the false accept rate is at most `far`.

    Args:
        far: false accept rate in (0, 1], as text, for example 0.01.
    """
    rate = float(far)
    return Metric(
        f"tar_at_far_{far}",
        f"TAR at FAR {100 * rate:g} %",
        from_rates=lambda rates: rates.true_at(rate),
        max_false_accept_rate=rate,
    )


def fnir_metric(fpir: str) -> Metric:
    """Return FNIR@FPIR: the smallest false negative identification rate at which the FPIR is at most `fpir`.

    Args:
        fpir: false positive identification rate in (0, 1], as text, for example 0.01.
    """
    rate = float(fpir)
    return Metric(
        f"fnir_at_fpir_{fpir}",
        f"FNIR at FPIR {100 * rate:g} %",
        from_open_set=lambda rates: rates.false_negative_at(rate),
        max_false_accept_rate=rate,
    )


def dir_metric(fpir: str) -> Metric:
    """Return DIR@FPIR: the largest detection and identification rate at rank 1 at which the FPIR is at most `fpir`.

    Args:
        fpir: false positive identification rate in (0, 1], as text; at 1, the metric is rank-1 of mated searches.
    """
    rate = float(fpir)
    return Metric(
        f"dir_at_fpir_{fpir}",
        "rank-1" if rate == 1 else f"DIR at FPIR {100 * rate:g} %",
        from_open_set=lambda rates: rates.detected_at(rate),
        max_false_accept_rate=rate,
    )


METRICS = {
    metric.name: metric
    for metric in (
        *map(rank_metric, (1, 2, 3, 4, 5, 10, 20)),
        Metric("mean_ap", "mAP", from_ranks=lambda ranks: ranks.ap),
        Metric("mean_inp", "mINP", from_ranks=lambda ranks: ranks.inp),
        Metric("eer", "EER", from_rates=lambda rates: rates.equal_error_rate()),
        *map(tar_metric, ("0.1", "0.01", "0.001", "0.0001")),
        *map(fnir_metric, ("0.01", "0.001", "0.0001")),
        *map(dir_metric, ("1", "0.01", "0.001", "0.0001")),
    )
}
"""Metrics by name, in the order of tables. Average precision and inverse negative penalty: see `Ranks`."""

_FAMILIES: dict[re.Pattern[str], Callable[[str], Metric]] = {
    re.compile(r"rank_([1-9]\d{0,8})"): lambda k: rank_metric(int(k)),
    re.compile(r"tar_at_far_(0\.0*[1-9]\d{0,8}|1)"): tar_metric,
    re.compile(r"fnir_at_fpir_(0\.0*[1-9]\d{0,8}|1)"): fnir_metric,
    re.compile(r"dir_at_fpir_(0\.0*[1-9]\d{0,8}|1)"): dir_metric,
}


def register_metric(metric: Metric) -> None:
    """Add a metric to the table. Protocols, `score` and reports then accept its name.

    Args:
        metric: the metric; an earlier one of the same name is replaced.
    """
    METRICS[metric.name] = metric


def is_metric(name: str) -> bool:
    """Return True if there is a metric of this name."""
    return name in METRICS or any(pattern.fullmatch(name) for pattern in _FAMILIES)


def find_metric(name: str) -> Metric:
    """Return the metric of a name.

    Raises:
        SettingsError: if there is none.
    """
    if name in METRICS:
        return METRICS[name]
    for pattern, make in _FAMILIES.items():
        if match := pattern.fullmatch(name):
            return make(match[1])
    raise SettingsError("metrics", name, f"one of {', '.join(METRICS)}", "use one of these names, or register it")
