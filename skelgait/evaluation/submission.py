"""Rankings that somebody else scores."""

from __future__ import annotations

from pathlib import Path

from skelgait.datasets import Submission
from skelgait.errors import ProtocolError
from skelgait.evaluation.distances import Metric, distance_matrix
from skelgait.evaluation.embed import Embeddings
from skelgait.evaluation.tables import Scorer, conditions_of
from skelgait.storage.atomic import write_text


def write_submission(path: Path, embeddings: Embeddings, submission: Submission, metric: Metric = "euclidean") -> int:
    """Write each probe's nearest gallery identities as CSV: videoId, rank1, rank2, ... (GREW's server takes this).

    The file holds no accuracy: that comes from the server. An identity stands there once for each of its sequences
    among the nearest.

    Args:
        path: the CSV file.
        embeddings: the embedded probes and gallery.
        submission: which they are.
        metric: distance of two embeddings.

    Returns:
        The number of probes.

    Raises:
        ProtocolError: there is no probe or no gallery, or a gallery identity is no number.
        DataError: the file cannot be written.
    """
    scorer = Scorer(embeddings, metric)
    probes, gallery = scorer.select(submission.probes), scorer.select(submission.gallery)
    if not len(probes) or not len(gallery):
        found = f"{len(probes)} probes and {len(gallery)} gallery entries among {conditions_of(embeddings.keys)}"
        expected = f"conditions {submission.probes} and {submission.gallery}"
        raise ProtocolError("--submission", found, expected, "embed the dataset's test split")
    identities = [_number(embeddings.keys[i].identity) for i in gallery]
    distances = distance_matrix(embeddings.values[probes], embeddings.values[gallery], metric)
    nearest = distances.argsort(dim=1, stable=True)[:, : submission.ranks].tolist()
    ranks = range(1, min(submission.ranks, len(gallery)) + 1)
    lines = [",".join(["videoId", *(f"rank{k}" for k in ranks)])]
    for probe, row in zip(probes, nearest, strict=True):
        lines.append(",".join([embeddings.keys[probe].view, *(str(identities[i]) for i in row)]))
    write_text(path, "\n".join(lines) + "\n")
    return len(probes)


def _number(identity: str) -> int:
    if not identity.isdigit():
        raise ProtocolError("--submission", f"the gallery identity {identity}", "a number", "use GREW's own identities")
    return int(identity)
