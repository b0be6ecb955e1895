"""Validation people: not trained on, and evaluated at each checkpoint instead of the test people."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from skelgait.datasets import Group, Partition, Protocol, Table
from skelgait.errors import SettingsError
from skelgait.runtime.rng import rng_for
from skelgait.storage import Key

log = logging.getLogger(__name__)

_MIN_PEOPLE = 2
_FIRST_AMONG_OTHERS = Table(
    "First sequence of each person among all other sequences",
    "pooled",
    (Group("Validation", (), ("*",)),),
    ("rank_1",),
    identical_views=True,
    unmatched_are_wrong=False,
)


class EvaluationPeople(NamedTuple):
    """People to evaluate at each checkpoint.

    Attributes:
        subset: `validation` or `test`.
        protocol: protocol for their sequences.
        partition: partition whose test identities are these people.
    """

    subset: str
    protocol: Protocol
    partition: Partition


def hold_out(partition: Partition, keys: Sequence[Key], share: float) -> Partition:
    """Return a partition with a share of the training people as validation people: the same ones in every run.

    Args:
        partition: partition without validation people.
        keys: all sequences; people without sequences are not drawn.
        share: share of the training people, in [0, 1); 0: unchanged.

    Raises:
        SettingsError: if the partition lists validation people, or if there are too few people.
    """
    if not share:
        return partition
    if partition.validation:
        found, hint = f"{share} with {len(partition.validation)} people under VAL_SET", "leave out --val-share"
        raise SettingsError("--val-share", found, "a partition without VAL_SET", hint)
    people = sorted({key.identity for key in keys} & partition.train)
    n_people = round(share * len(people))
    if not _MIN_PEOPLE <= n_people < len(people):
        found = f"{share}, which is {n_people} of {len(people)} training people"
        expected = f"{_MIN_PEOPLE} people or more, and some left to train on"
        raise SettingsError("--val-share", found, expected, "pass another share, or list the people under VAL_SET")
    drawn = frozenset(map(str, rng_for(0).choice(people, n_people, replace=False)))
    return replace(partition, train=partition.train - drawn, validation=drawn)


def evaluation_people(protocol: Protocol, partition: Partition, keys: Sequence[Key]) -> EvaluationPeople:
    """Return the people to evaluate at each checkpoint: the validation people, or without any the test people.

    If the partition names the probes, or no sequence of a validation person has a condition of the protocol (training
    people of GREW), the probe of each validation person is their first sequence.

    Args:
        protocol: protocol of the test people.
        partition: partition of all people.
        keys: all sequences.
    """
    if not partition.validation:
        return EvaluationPeople("test", protocol, partition)
    people = replace(partition, test=partition.validation, validation=frozenset())
    sequences = [key for key in keys if key.identity in people.test]
    patterns = protocol.patterns()
    if not any(fnmatchcase(key.condition, pattern) for key in sequences for pattern in patterns):
        protocol = Protocol(f"{protocol.name} validation", (_FIRST_AMONG_OTHERS,))
    if not any(key in partition.probes for key in sequences):
        first = {key.identity: key for key in reversed(sequences)}
        people = replace(people, probes=frozenset((*key,) for key in first.values()))
    return EvaluationPeople("validation", protocol, people)


def warn_if_unused(partition: Partition) -> None:
    """Warn of validation people in a training without evaluations."""
    if partition.validation:
        text = "the people under VAL_SET (%d) are not used: pass --eval-during-training to choose the best checkpoint"
        log.warning(text, len(partition.validation))
