"""Builders of reports as plain data."""

from __future__ import annotations

from typing import Any


def group(name: str, **more: Any) -> dict[str, Any]:
    """Return a group of four probes and three gallery entries, without a metric value."""
    defaults = {
        "metrics": {"rank_1": None}, "n_probes": 4, "n_gallery": 3, "n_unmatched": 0, "unmatched": {},
        "excluded_pairs": {},
        "intervals": {}, "by_view": {}, "by_view_pair": {}, "by_condition": {}, "cmc": [None] * 50, "roc": None,
    }  # fmt: skip
    return {"name": name, **defaults, **more}


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def by_views(name: str, cells: dict[str, dict[str, float | None]], **more: Any) -> dict[str, Any]:
    """Return a group of a table by view pairs."""
    means = {view: _mean([value for value in others.values() if value is not None]) for view, others in cells.items()}
    defined = [mean for mean in means.values() if mean is not None]
    return group(
        name,
        metrics={"rank_1": _mean(defined)},
        by_view={view: {"rank_1": mean} for view, mean in means.items()},
        by_view_pair={a: {b: {"rank_1": x} for b, x in others.items()} for a, others in cells.items()},
        **more,
    )


def square(views: int, value: float = 0.5, diagonal: float | None = None) -> dict[str, dict[str, float | None]]:
    """Return cells of a number of views."""
    names = [f"{18 * i:03d}" for i in range(views)]
    return {a: {b: diagonal if a == b else value for b in names} for a in names}


def verified(name: str, false: list[float], true: list[float], eer: float | None, pairs: int = 100) -> dict[str, Any]:
    """Return a group of a verification table."""
    roc = {
        "false_accept_rates": false,
        "true_accept_rates": true,
        "thresholds": false,
        "n_genuine": 10,
        "n_impostor": pairs,
    }
    return group(name, metrics={"eer": eer}, cmc=[], roc=roc)


def table(title: str, *groups: dict[str, Any], kind: str = "pooled") -> dict[str, Any]:
    """Return a table."""
    return {"title": title, "kind": kind, "groups": list(groups)}


def report(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a report."""
    facts = {
        "protocol": "custom", "distance": "euclidean", "published": [], "n_sequences": 7, "n_truncated": 0,
        "reranked": False, "notes": [],
    }  # fmt: skip
    return {**facts, "tables": list(tables), **more}
