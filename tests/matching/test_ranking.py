"""Where true matches stand, against a plain loop over sorted galleries."""

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
    cells: NDArray[np.int64],
    n_cells: int,
    left_out: Pairs = frozenset(),  # type: ignore[assignment]
) -> Ranks:
    """As `rank_matches`."""
    shape = (len(probes), n_cells)
    first, ap, inp = np.zeros(shape, np.int32), np.full(shape, np.nan), np.full(shape, np.nan)
    for i in range(len(probes)):
        for c in range(n_cells):
            entries = [j for j in range(len(gallery)) if cells[j] == c and (i, j) not in left_out]
            entries.sort(key=lambda j, i=i: (distances[i, j], j))  # type: ignore[misc]
            places = [place for place, j in enumerate(entries, 1) if gallery[j] == probes[i]]
            if places:
                first[i, c] = places[0]
                ap[i, c] = np.mean([n / place for n, place in enumerate(places, 1)])
                inp[i, c] = len(places) / places[-1]
    return Ranks(first, ap, inp)


def rule_of(pairs: Pairs) -> ranking.LeftOut:
    return lambda rows, columns: np.array(
        [pair in pairs for pair in zip(rows.tolist(), columns.tolist(), strict=True)], bool
    )


def assert_alike(found: Ranks, expected: Ranks) -> None:
    assert [values.dtype for values in found] == [np.int32, np.float32, np.float32]
    np.testing.assert_array_equal(found.first, expected.first)
    np.testing.assert_allclose(found.ap, expected.ap, rtol=1e-6)
    np.testing.assert_allclose(found.inp, expected.inp, rtol=1e-6)


@pytest.mark.parametrize(
    ("n_probes", "n_gallery", "n_identities", "n_cells", "levels"),
    [
        (0, 0, 3, 1, 1000),
        (0, 5, 3, 2, 1000),
        (5, 0, 3, 2, 1000),
        (1, 1, 1, 1, 1000),
        (20, 40, 4, 1, 1000),
        (20, 40, 4, 5, 1000),
        (20, 40, 60, 2, 1000),  # most probes without a match
        (20, 40, 1, 3, 1000),  # nobody but them
        (20, 60, 4, 3, 4),  # many at the same distance
        (20, 60, 4, 3, 1),  # all
        (300, 200, 15, 12, 1000),
    ],
)
def test_are_those_of_a_loop(n_probes: int, n_gallery: int, n_identities: int, n_cells: int, levels: int) -> None:
    rng = np.random.default_rng(0)
    distances = rng.integers(0, levels, (n_probes, n_gallery)).astype(np.float32)
    probes, gallery = rng.integers(0, n_identities, n_probes), rng.integers(0, n_identities, n_gallery)
    cells = rng.integers(0, n_cells, n_gallery)
    left_out = {(i, j) for i in range(n_probes) for j in range(n_gallery) if (i + j) % 3 == 0}
    # A pair of two people is never asked about.
    left_out = {(i, j) for i, j in left_out if probes[i] == gallery[j]}
    enrolled = Gallery(gallery, cells, n_cells)
    assert_alike(rank_matches(distances, probes, enrolled), plain_ranks(distances, probes, gallery, cells, n_cells))
    found = rank_matches(distances, probes, enrolled, rule_of(left_out))
    assert_alike(found, plain_ranks(distances, probes, gallery, cells, n_cells, left_out))
    quick = rank_matches(distances, probes, enrolled, rule_of(left_out), precision=False)
    np.testing.assert_array_equal(quick.first, found.first)
    assert np.isnan(quick.ap).all()
    assert np.isnan(quick.inp).all()


@settings(deadline=None)
@given(st.data())
def test_any_small_gallery(data: st.DataObject) -> None:
    n_probes, n_gallery = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 8))

    def drawn(n: int, largest: int) -> NDArray[np.int64]:
        return np.array(data.draw(st.lists(st.integers(0, largest), min_size=n, max_size=n)), np.int64)

    probes, gallery, cells = drawn(n_probes, 2), drawn(n_gallery, 2), drawn(n_gallery, 2)
    distances = drawn(n_probes * n_gallery, 3).reshape(n_probes, n_gallery).astype(np.float32)
    pairs = {(i, j) for i in range(n_probes) for j in range(n_gallery) if probes[i] == gallery[j]}
    left_out = {pair for pair in sorted(pairs) if data.draw(st.booleans())}
    for precision in (True, False):
        found = rank_matches(distances, probes, Gallery(gallery, cells, 3), rule_of(left_out), precision=precision)
        expected = plain_ranks(distances, probes, gallery, cells, 3, left_out)
        if precision:
            assert_alike(found, expected)
        np.testing.assert_array_equal(found.first, expected.first)


def test_those_at_one_distance_rank_in_the_order_of_the_gallery() -> None:
    distances = np.zeros((3, 4), np.float32)
    ranks = rank_matches(distances, np.array([5, 6, 7]), Gallery(np.array([5, 6, 6, 7])))
    assert ranks.first[:, 0].tolist() == [1, 2, 4]
    np.testing.assert_allclose(ranks.ap[:, 0], [1, (1 / 2 + 2 / 3) / 2, 1 / 4])


def test_nobody_of_the_probe_s_own_identity_is_ranked_before_it() -> None:
    # The nearest two are left out, as if they were not enrolled.
    distances = np.float32([[0.1, 0.2, 0.3, 0.4]])
    ranks = rank_matches(distances, np.array([1]), Gallery(np.array([1, 1, 0, 1])), rule_of({(0, 0), (0, 1)}))
    assert (ranks.first.item(), ranks.ap.item(), ranks.inp.item()) == (2, 0.5, 0.5)


def test_a_huge_number_of_identities() -> None:
    n = 50_000
    identities = np.random.default_rng(0).permutation(n) * 10**9
    rows = np.arange(20)
    distances = np.random.default_rng(1).random((20, n)).astype(np.float32)
    ranks = rank_matches(distances, identities[rows], Gallery(identities))
    expected = (distances < distances[rows, rows][:, None]).sum(axis=1) + 1
    assert ranks.first[:, 0].tolist() == expected.tolist()


def test_distances_that_nobody_may_write_to() -> None:
    distances = np.float32([[0.3, 0.2], [0.1, 0.2]])
    distances.flags.writeable = False
    assert rank_matches(distances, np.array([0, 0]), Gallery(np.array([0, 1]))).first[:, 0].tolist() == [2, 1]


def test_examples_in_docstrings() -> None:
    found = doctest.testmod(ranking)
    assert found.attempted >= 4
    assert found.failed == 0
