"""Bootstrap over probes: samples and percentile intervals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""Share of the bootstrap samples inside an interval."""

# Samples whose weights are in memory at a time.
_SAMPLES_AT_A_TIME = 50


def bootstrap_weights(n_probes: int, bootstrap_samples: int, seed: int = 0) -> Iterator[Floats]:
    """Yield weights (b, P): how often each probe is drawn in each of b bootstrap samples of P probes.

    The weights are the same for the same number of probes, so that results of two networks are paired.

    Args:
        n_probes: number P of probes.
        bootstrap_samples: number of samples.
        seed: seed of the random generator; default: 0.
    """
    rng = np.random.default_rng(seed)
    for start in range(0, bootstrap_samples, _SAMPLES_AT_A_TIME):
        n_samples = min(_SAMPLES_AT_A_TIME, bootstrap_samples - start)
        drawn = rng.integers(0, n_probes, (n_samples, n_probes))
        yield np.stack([np.bincount(row, minlength=n_probes) for row in drawn]).astype(np.float64)


def percentile_interval(samples: Floats) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of bootstrap samples without NaN; None if nothing is left."""
    defined = samples[~np.isnan(samples)]
    if not len(defined):
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
