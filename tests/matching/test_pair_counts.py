"""Accept rates of samples of people, against a loop over pairs."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.evaluation.verification import assign_groups
from skelgait.matching.pair_counts import PairCounter

PEOPLE = np.array([0, 0, 1, 2, 2, 3, 4, 4, 4])
GALLERY_PEOPLE = np.array([4, 0, 1, 1, 2, 3, 5])


def some_distances(seed: int = 0) -> np.ndarray:
    """Return distances that are at least 1 % apart, so that each is in a wide bin of its own."""
    n = len(PEOPLE) * len(GALLERY_PEOPLE)
    order = np.random.default_rng(seed).permutation(n)
    return np.float32(0.5 * 1.01**order).reshape(len(PEOPLE), -1)


def counter_of(distances: np.ndarray, group_of: np.ndarray, rows: int = 4) -> PairCounter:
    counter = PairCounter(group_of)
    for start in range(0, len(distances), rows):
        block, people = distances[start : start + rows], PEOPLE[start : start + rows]
        counter.add_impostors(block, people, GALLERY_PEOPLE)
        is_genuine = people[:, None] == GALLERY_PEOPLE
        counter.add_genuine(block[is_genuine], people[np.nonzero(is_genuine)[0]])
    return counter


def test_all_weights_of_one_give_the_rates_of_all_pairs() -> None:
    distances = np.float32(np.random.default_rng(0).random((9, 7)).round(2))
    counts = counter_of(distances, np.arange(6)).counts()
    (sample,) = counts.samples(np.ones((1, 6)))
    rates = counts.all_pairs.rates()
    np.testing.assert_array_equal(sample.thresholds, rates.thresholds)
    np.testing.assert_allclose(sample.true, rates.true)
    np.testing.assert_allclose(sample.false, rates.false)
    n_genuine = int((PEOPLE[:, None] == GALLERY_PEOPLE).sum())
    assert (sample.n_genuine, sample.n_impostor) == (rates.n_genuine, rates.n_impostor) == (n_genuine, 63 - n_genuine)


def test_pair_counts_as_often_as_both_people_are_drawn() -> None:
    distances = some_distances()
    weights = np.array([[1.0, 0, 2, 1, 2, 0], [0, 3, 0, 1, 1, 1]])
    samples = counter_of(distances, np.arange(6)).counts().samples(weights)
    for sample, weight in zip(samples, weights, strict=True):
        for k, threshold in enumerate(sample.thresholds):
            accepted, totals = {True: 0.0, False: 0.0}, {True: 0.0, False: 0.0}
            for i, person in enumerate(PEOPLE):
                for j, other in enumerate(GALLERY_PEOPLE):
                    n = weight[person] if person == other else weight[person] * weight[other]
                    totals[person == other] += n
                    accepted[person == other] += n * (distances[i, j] <= threshold)
            assert sample.true[k] == pytest.approx(accepted[True] / totals[True])
            assert sample.false[k] == pytest.approx(accepted[False] / totals[False])


def test_sample_without_genuine_pairs_has_none() -> None:
    (empty,) = counter_of(some_distances(), np.arange(6)).counts().samples(np.array([[0.0, 0, 0, 0, 0, 6]]))
    assert (empty.n_genuine, empty.n_impostor) == (0, 0)


def test_people_of_a_group_are_drawn_together() -> None:
    group_of = np.array([0, 1, 0, 1, 1, 0])
    group_weights = np.float64([[2, 0], [1, 1]])
    by_group = counter_of(some_distances(), group_of).counts().samples(group_weights)
    by_person = counter_of(some_distances(), np.arange(6)).counts().samples(group_weights[:, group_of])
    for one, other in zip(by_group, by_person, strict=True):
        np.testing.assert_allclose(one.true, other.true)
        np.testing.assert_allclose(one.false, other.false)


@pytest.mark.parametrize("rows", [1, 9])
def test_size_of_blocks_changes_nothing(rows: int) -> None:
    distances = some_distances()
    one, other = (counter_of(distances, np.arange(6), n).counts() for n in (4, rows))
    for name in ("genuine", "by_probe", "by_gallery"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.all_pairs.impostor, other.all_pairs.impostor)


def test_many_people_are_put_into_groups_of_equal_size() -> None:
    people = np.arange(0, 900, 3)
    groups = assign_groups(people)[people]
    sizes = np.bincount(groups)
    assert len(sizes) == 128
    assert sizes.min() == 2
    assert sizes.max() == 3
    assert assign_groups(people[:128])[people[:128]].tolist() == list(range(128))
