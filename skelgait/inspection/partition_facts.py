"""Which dataset sequences are of, by their names, and how its official partition fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from skelgait.datasets import DATASETS, Dataset
from skelgait.storage import Key


def dataset_of_keys(keys: Sequence[Key]) -> Dataset | None:
    """The dataset whose identities, conditions and views are spelled like all of these; None if there is none."""
    for dataset in DATASETS.values():
        pattern = re.compile(dataset.keys)
        if all(pattern.fullmatch(str(key)) for key in keys):
            return dataset
    return None


def partition_facts(keys: Sequence[Key], dataset: Dataset | None) -> tuple[dict[str, object], list[str]]:
    """How many of a dataset's identities are there, and which are in none of its sets."""
    hint = "write a partition and a protocol of your own, see examples/guide/own_data.md"
    if dataset is None:
        return {"dataset": "none that is known by its names"}, [f"no official partition fits: {hint}"]
    there, partition = {key.identity for key in keys}, dataset.partition()
    facts: dict[str, object] = {
        "dataset": dataset.name,
        "to train on": f"{len(there & partition.train)} of {len(partition.train)} identities",
        "to test": f"{len(there & partition.test)} of {len(partition.test)} identities",
    }
    problems = []
    if unknown := sorted(there - partition.train - partition.test):
        shown = ", ".join(unknown[:3])
        problems.append(f"{len(unknown)} identities are not in {dataset.name}'s partition ({shown}): {hint}")
    for name, wanted in (("train on", partition.train), ("test", partition.test)):
        if not there & wanted:
            problems.append(f"there is nobody to {name} in {dataset.name}'s partition: give --partition, or add them")
    return facts, problems
