"""Dataset of sequences, recognized by their keys, and comparison with its official partition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skelgait.datasets import DATASETS, Dataset
from skelgait.storage import Key

_HINT = "pass --partition with your own file, see examples/guide/own_data.md"


def dataset_of_keys(keys: Sequence[Key]) -> Dataset | None:
    """Return the dataset with identities, conditions and views of the form of the keys; None if there is none."""
    for dataset in DATASETS.values():
        pattern = re.compile(dataset.keys)
        if all(pattern.fullmatch(str(key)) for key in keys):
            return dataset
    return None


def partition_facts(keys: Sequence[Key], dataset: Dataset | None) -> tuple[dict[str, object], list[str]]:
    """Return facts and problems of the identities, compared with the official partition of a dataset."""
    if dataset is None:
        return {"dataset": "unknown"}, [f"no official partition for these identities: {_HINT}"]
    identities, partition = {key.identity for key in keys}, dataset.partition()
    facts: dict[str, object] = {
        "dataset": dataset.name,
        "training identities": f"{len(identities & partition.train)} of {len(partition.train)}",
        "test identities": f"{len(identities & partition.test)} of {len(partition.test)}",
    }
    problems = []
    if unknown := sorted(identities - partition.train - partition.test):
        examples = ", ".join(unknown[:3])
        problems.append(f"{len(unknown)} identities are not in the partition of {dataset.name} ({examples}): {_HINT}")
    for name, subset in (("training", partition.train), ("test", partition.test)):
        if not identities & subset:
            problems.append(f"no {name} identity of the partition of {dataset.name}: {_HINT}, or add sequences")
    return facts, problems
