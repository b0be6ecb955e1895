"""Ranking files that a server scores."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import Submission
from skelgait.embeddings import Embeddings
from skelgait.errors import ProtocolError
from skelgait.evaluation.evaluation_set import EvaluationSet, sorted_conditions
from skelgait.matching.nearest import nearest
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.storage.atomic import write_text
from skelgait.storage.lock import lock_file


def write_submission(
    path: Path, embeddings: Embeddings, submission: Submission, options: MatchingOptions | None = None
) -> int:
    """Write the identities of the nearest gallery entries of each probe as CSV: videoId, rank1, rank2, ...

    This is the format of GREW's server, which computes the accuracy. An identity is repeated if several of its
    sequences are among the nearest.

    Args:
        path: CSV file to write.
        embeddings: embeddings of probes and gallery.
        submission: conditions of probes and gallery, and number of ranks.
        options: distance, device, memory and re-ranking.

    Returns:
        Number of probes.

    Raises:
        ProtocolError: if there is no probe or no gallery entry, or a gallery identity is not a number.
        DataError: if the file cannot be written.
    """
    evaluation_set = EvaluationSet(embeddings.keys)
    probes, gallery = evaluation_set.select(submission.probes), evaluation_set.select(submission.gallery)
    if not len(probes) or not len(gallery):
        found = f"{len(probes)} probes and {len(gallery)} gallery entries among {sorted_conditions(embeddings.keys)}"
        expected = f"conditions {submission.probes} and {submission.gallery}"
        raise ProtocolError("--submission", found, expected, "embed the test split of the dataset")
    identities = [_number(embeddings.keys[i].identity) for i in gallery]
    ranks = range(1, min(submission.ranks, len(gallery)) + 1)
    lines = [",".join(["videoId", *(f"rank{k}" for k in ranks)])]
    for start, distances in compare_all(embeddings.values, options)(probes, gallery):
        for row, columns in enumerate(nearest(distances, submission.ranks).columns.tolist(), start):
            lines.append(",".join([embeddings.keys[probes[row]].view, *(str(identities[i]) for i in columns)]))
    with lock_file(path):
        write_text(path, "\n".join(lines) + "\n")
    return len(probes)


def _number(identity: str) -> int:
    if not identity.isdecimal():
        raise ProtocolError("--submission", f"the gallery identity {identity}", "a number", "use GREW's identities")
    return int(identity)
