"""Ranks of true matches against a plain loop over sorted galleries."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from skelgait.matching import ranking
from skelgait.matching.ranking import Gallery, Ranks, rank_matches

Pairs = set[tuple[int, int]]


def plain_ranks(
    distances: NDArray[np.floating],
    probes: NDArray[np.int64],
    gallery: NDArray[np.int64],
    views: NDArray[np.int64],
    n_views: int,
    excluded: Pairs = frozenset(),  # type: ignore[assignment]
) -> Ranks:
    """Return the same as `rank_matches`."""
    shape = (len(probes), n_views)
    first, ap, inp = np.zeros(shape, np.int32), np.full(shape, np.nan), np.full(shape, np.nan)
    for i in range(len(probes)):
        for view in range(n_views):
            entries = [j for j in range(len(gallery)) if views[j] == view and (i, j) not in excluded]
            entries.sort(key=lambda j, i=i: (distances[i, j], j))  # type: ignore[misc]
            places = [place for place, j in enumerate(entries, 1) if gallery[j] == probes[i]]
            if places:
                first[i, view] = places[0]
                ap[i, view] = np.mean([n / place for n, place in enumerate(places, 1)])
                inp[i, view] = len(places) / places[-1]
    return Ranks(first, ap, inp)


def rule_of(pairs: Pairs) -> ranking.Exclusion:
    return lambda rows, columns: np.array(
        [pair in pairs for pair in zip(rows.tolist(), columns.tolist(), strict=True)], bool
    )


def assert_alike(found: Ranks, expected: Ranks) -> None:
    assert [values.dtype for values in found] == [np.int32, np.float32, np.float32]
    np.testing.assert_array_equal(found.first, expected.first)
    np.testing.assert_allclose(found.ap, expected.ap, rtol=1e-6)
    np.testing.assert_allclose(found.inp, expected.inp, rtol=1e-6)


@pytest.mark.parametrize(
    ("n_probes", "n_gallery", "n_identities", "n_views", "levels"),
    [
        (0, 0, 3, 1, 1000),
        (0, 5, 3, 2, 1000),
        (5, 0, 3, 2, 1000),
        (1, 1, 1, 1, 1000),
        (20, 40, 4, 1, 1000),
        (20, 40, 4, 5, 1000),
        (20, 40, 60, 2, 1000),  # most probes without a match
        (20, 40, 1, 3, 1000),  # one identity
        (20, 60, 4, 3, 4),  # many ties
        (20, 60, 4, 3, 1),  # only ties
        (300, 200, 15, 12, 1000),
    ],
)
def test_ranks_equal_plain_loop(n_probes: int, n_gallery: int, n_identities: int, n_views: int, levels: int) -> None:
    rng = np.random.default_rng(0)
    distances = rng.integers(0, levels, (n_probes, n_gallery)).astype(np.float32)
    probes, gallery = rng.integers(0, n_identities, n_probes), rng.integers(0, n_identities, n_gallery)
    views = rng.integers(0, n_views, n_gallery)
    excluded = {(i, j) for i in range(n_probes) for j in range(n_gallery) if (i + j) % 3 == 0}
    # Only pairs of one person are tested by the rule.
    excluded = {(i, j) for i, j in excluded if probes[i] == gallery[j]}
    enrolled = Gallery(gallery, views, n_views)
    assert_alike(rank_matches(distances, probes, enrolled), plain_ranks(distances, probes, gallery, views, n_views))
    found = rank_matches(distances, probes, enrolled, rule_of(excluded))
    assert_alike(found, plain_ranks(distances, probes, gallery, views, n_views, excluded))
    quick = rank_matches(distances, probes, enrolled, rule_of(excluded), all_matches=False)
    np.testing.assert_array_equal(quick.first, found.first)
    assert np.isnan(quick.ap).all()
    assert np.isnan(quick.inp).all()


@settings(deadline=None)
@given(st.data())
def test_ranks_of_any_small_gallery_equal_plain_loop(data: st.DataObject) -> None:
    n_probes, n_gallery = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 8))

    def drawn(n: int, largest: int) -> NDArray[np.int64]:
        return np.array(data.draw(st.lists(st.integers(0, largest), min_size=n, max_size=n)), np.int64)

    probes, gallery, views = drawn(n_probes, 2), drawn(n_gallery, 2), drawn(n_gallery, 2)
    distances = drawn(n_probes * n_gallery, 3).reshape(n_probes, n_gallery).astype(np.float32)
    pairs = {(i, j) for i in range(n_probes) for j in range(n_gallery) if probes[i] == gallery[j]}
    excluded = {pair for pair in sorted(pairs) if data.draw(st.booleans())}
    for all_matches in (True, False):
        found = rank_matches(distances, probes, Gallery(gallery, views, 3), rule_of(excluded), all_matches=all_matches)
        expected = plain_ranks(distances, probes, gallery, views, 3, excluded)
        if all_matches:
            assert_alike(found, expected)
        np.testing.assert_array_equal(found.first, expected.first)


def test_ties_rank_in_gallery_order() -> None:
    distances = np.zeros((3, 4), np.float32)
    ranks = rank_matches(distances, np.array([5, 6, 7]), Gallery(np.array([5, 6, 6, 7])))
    assert ranks.first[:, 0].tolist() == [1, 2, 4]
    np.testing.assert_allclose(ranks.ap[:, 0], [1, (1 / 2 + 2 / 3) / 2, 1 / 4])


def test_excluded_matches_do_not_count_in_ranks() -> None:
    # The two nearest are excluded, as if they were not in the gallery.
    distances = np.float32([[0.1, 0.2, 0.3, 0.4]])
    ranks = rank_matches(distances, np.array([1]), Gallery(np.array([1, 1, 0, 1])), rule_of({(0, 0), (0, 1)}))
    assert (ranks.first.item(), ranks.ap.item(), ranks.inp.item()) == (2, 0.5, 0.5)


def test_many_identities() -> None:
    n = 50_000
    identities = np.random.default_rng(0).permutation(n) * 10**9
    rows = np.arange(20)
    distances = np.random.default_rng(1).random((20, n)).astype(np.float32)
    ranks = rank_matches(distances, identities[rows], Gallery(identities))
    expected = (distances < distances[rows, rows][:, None]).sum(axis=1) + 1
    assert ranks.first[:, 0].tolist() == expected.tolist()


def test_read_only_distances() -> None:
    distances = np.float32([[0.3, 0.2], [0.1, 0.2]])
    distances.flags.writeable = False
    assert rank_matches(distances, np.array([0, 0]), Gallery(np.array([0, 1]))).first[:, 0].tolist() == [2, 1]


def test_examples_in_docstrings() -> None:
    found = doctest.testmod(ranking)
    assert found.attempted >= 4
    assert found.failed == 0
