"""Comparing embeddings: distances a block at a time, and what follows from distances alone."""

from skelgait.matching.distances import Distance, RowBlocks, Vectors, distance_matrix, distance_rows
from skelgait.matching.nearest import Nearest, nearest, nearest_groups
from skelgait.matching.ranking import Gallery, Ranks, rank_matches

__all__ = [
    "Distance",
    "Gallery",
    "Nearest",
    "Ranks",
    "RowBlocks",
    "Vectors",
    "distance_matrix",
    "distance_rows",
    "nearest",
    "nearest_groups",
    "rank_matches",
]  # fmt: skip
