"""Rankings that somebody else scores."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import Submission
from skelgait.embeddings import Embeddings
from skelgait.errors import ProtocolError
from skelgait.evaluation.test_sequences import TestSet, conditions_of
from skelgait.matching.nearest import nearest
from skelgait.matching.options import MatchingOptions
from skelgait.matching.reranking import compare_all
from skelgait.storage.atomic import write_text


def write_submission(
    path: Path,
    embeddings: Embeddings,
    submission: Submission,
    options: MatchingOptions | None = None,
) -> int:
    """Write each probe's nearest gallery identities as CSV: videoId, rank1, rank2, ... (GREW's server takes this).

    The file holds no accuracy: that comes from the server. An identity stands there once for each of its sequences
    among the nearest.

    Args:
        path: the CSV file.
        embeddings: the embedded probes and gallery.
        submission: which they are.
        options: distance, device, memory and re-ranking.

    Returns:
        The number of probes.

    Raises:
        ProtocolError: there is no probe or no gallery, or a gallery identity is no number.
        DataError: the file cannot be written.
    """
    test_set = TestSet(embeddings.keys)
    rows = compare_all(embeddings.values, options)
    probes, gallery = test_set.select(submission.probes), test_set.select(submission.gallery)
    if not len(probes) or not len(gallery):
        found = f"{len(probes)} probes and {len(gallery)} gallery entries among {conditions_of(embeddings.keys)}"
        expected = f"conditions {submission.probes} and {submission.gallery}"
        raise ProtocolError("--submission", found, expected, "embed the dataset's test split")
    identities = [_number(embeddings.keys[i].identity) for i in gallery]
    ranks = range(1, min(submission.ranks, len(gallery)) + 1)
    lines = [",".join(["videoId", *(f"rank{k}" for k in ranks)])]
    for start, distances in rows(probes, gallery):
        for number, columns in enumerate(nearest(distances, submission.ranks).columns.tolist(), start):
            lines.append(",".join([embeddings.keys[probes[number]].view, *(str(identities[i]) for i in columns)]))
    write_text(path, "\n".join(lines) + "\n")
    return len(probes)


def _number(identity: str) -> int:
    if not identity.isdecimal():
        raise ProtocolError("--submission", f"the gallery identity {identity}", "a number", "use GREW's own identities")
    return int(identity)
