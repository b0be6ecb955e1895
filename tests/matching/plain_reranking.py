"""Re-ranking step by step from its definition, on whole matrices in float64."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def plain_rerank(
    distances: NDArray[np.floating],
    probes: NDArray[np.int64],
    gallery: NDArray[np.int64],
    k1: int = 20,
    k2: int = 6,
    weight: float = 0.3,
) -> NDArray[np.float64]:
    """Re-ranked distances (P, G) from the distances of all sequences to each other."""
    everything = sorted({*probes.tolist(), *gallery.tolist()})
    place, n = {sequence: i for i, sequence in enumerate(everything)}, len(everything)
    d = distances[np.ix_(everything, everything)].astype(np.float64) ** 2
    np.fill_diagonal(d, 0)
    for row in d:
        row /= row.max() or 1
    # By distance, and before that whether it is another one: each comes first in its own ranking.
    ranking = [sorted(range(n), key=lambda j, i=i: (j != i, d[i, j], j)) for i in range(n)]  # type: ignore[misc]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in ranking[i][: k + 1] if i in ranking[j][: k + 1]}

    V = np.zeros((n, n))
    for i in range(n):
        near = reciprocal(i, k1)
        expanded = set(near)
        for candidate in near:
            expansion = reciprocal(candidate, round(k1 / 2))
            if 3 * len(expansion & near) > 2 * len(expansion):
                expanded |= expansion
        for j in expanded:
            V[i, j] = np.exp(-d[i, j])
        V[i] /= V[i].sum()
    if k2 > 1:
        V = np.array([V[ranking[i][:k2]].mean(axis=0) for i in range(n)]).reshape(n, n)

    mixed = np.zeros((len(probes), len(gallery)))
    for p, probe in enumerate(probes):
        for g, member in enumerate(gallery):
            i, j = place[probe], place[member]
            shared = np.minimum(V[i], V[j]).sum()
            mixed[p, g] = (1 - weight) * (1 - shared / (2 - shared)) + weight * d[i, j]
    return mixed
