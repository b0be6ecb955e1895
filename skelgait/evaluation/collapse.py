"""Check for a collapsed network, whose embeddings are all the same."""

from __future__ import annotations

import numpy as np

from skelgait.embeddings import Embeddings
from skelgait.matching.vectors import as_floats

_MAX_SEQUENCES = 256
_TOLERANCE = 1e-5
_SHORTEST = 1e-12


def collapse_notes(embeddings: Embeddings, distance: str) -> list[str]:
    """Return a note if all distances are equal, because all embeddings are the same; otherwise nothing.

    Compares up to 256 sequences, evenly spaced. Embeddings are the same if they differ by less than 1e-5 of their norm.

    Args:
        embeddings: embeddings of several people.
        distance: name of the distance; `cosine` ignores the norms.
    """
    if len({key.identity for key in embeddings.keys}) < 2:
        return []
    n_sequences = min(len(embeddings.keys), _MAX_SEQUENCES)
    indices = np.linspace(0, len(embeddings.keys) - 1, n_sequences).astype(np.int64)
    values = as_floats(embeddings.values[indices]).astype(np.float64)
    if distance == "cosine":
        values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _SHORTEST)
    spread = np.sqrt(((values - values[:1]) ** 2).sum(axis=(1, 2)).max())
    if spread > _TOLERANCE * np.sqrt((values[0] ** 2).sum()):
        return []
    return [
        f"all distances are equal: the embeddings of {n_sequences} compared sequences are the same, so the network has "
        "collapsed; use an earlier checkpoint, or train with a lower train.optimizer.learning_rate"
    ]
