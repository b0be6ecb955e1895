"""Comparing embeddings: distances a block at a time, and what follows from distances alone."""

from skelgait.matching.distances import Metric, RowBlocks, Vectors, distance_matrix, distance_rows
from skelgait.matching.nearest import nearest
from skelgait.matching.ranking import Gallery, Ranks, rank_matches

__all__ = [
    "Gallery",
    "Metric",
    "Ranks",
    "RowBlocks",
    "Vectors",
    "distance_matrix",
    "distance_rows",
    "nearest",
    "rank_matches",
]
