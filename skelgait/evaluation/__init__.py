"""Embedding a test set, distances, ranking, protocols, reports."""

from skelgait.evaluation.distances import distance_matrix
from skelgait.evaluation.embed import Embeddings, embed
from skelgait.evaluation.evaluate import EvaluationReport, score, test_keys
from skelgait.evaluation.submission import write_submission

__all__ = [
    "Embeddings",
    "EvaluationReport",
    "distance_matrix",
    "embed",
    "score",
    "test_keys",
    "write_submission",
]
