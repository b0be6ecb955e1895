"""Comparison of embeddings: distances, ranks of true matches, re-ranking, verification rates, metrics.

This package knows no dataset and no protocol. `registry`, `options` and `metrics` import neither torch nor numba.
"""
