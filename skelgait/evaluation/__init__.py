"""Recognizing people under a protocol: who is compared with whom, ranks, metrics, reports."""

from skelgait.embeddings import Embeddings, embed
from skelgait.evaluation.evaluate import score, test_keys
from skelgait.evaluation.report import EvaluationReport, GroupReport, TableReport
from skelgait.evaluation.submission import write_submission
from skelgait.matching.distances import distance_matrix

__all__ = [
    "Embeddings",
    "EvaluationReport",
    "GroupReport",
    "TableReport",
    "distance_matrix",
    "embed",
    "score",
    "test_keys",
    "write_submission",
]
