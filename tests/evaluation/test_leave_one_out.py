"""Threshold and near-duplicates of a gallery, one sequence left out, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.embeddings import Embeddings
from skelgait.errors import ProtocolError
from skelgait.evaluation.leave_one_out import near_duplicates, search_without_self, typical_distance
from skelgait.evaluation.threshold import learn_gallery_threshold
from skelgait.matching import open_set
from skelgait.matching.distances import distance_matrix
from skelgait.matching.options import MatchingOptions
from skelgait.storage import Key


def gallery_of(walks: dict[str, int], seed: int = 0, noise: float = 0.7) -> Embeddings:
    """Embeddings of some walks of each person, in random order."""
    rng = np.random.default_rng(seed)
    keys, values = [], []
    for name, count in walks.items():
        center = rng.standard_normal((5, 3))
        for walk in range(count):
            keys.append(Key(name, "nm", str(walk)))
            values.append(center + noise * rng.standard_normal((5, 3)))
    order = rng.permutation(len(keys))
    return Embeddings([keys[i] for i in order], np.array(values, np.float32)[order])


def searches_by_loop(gallery: Embeddings, distance: str) -> list[tuple[float, float, int, bool]]:
    """Of each sequence the distance to the own person, to the nearest other and which, and if the own is first."""
    distances = distance_matrix(gallery.values, gallery.values, distance)
    searches = []
    for i, key in enumerate(gallery.keys):
        own, other, column = np.inf, np.inf, -1
        for j, candidate in enumerate(gallery.keys):
            if i == j:
                continue
            if candidate.identity == key.identity:
                own = min(own, float(distances[i, j]))
            elif distances[i, j] < other:
                other, column = float(distances[i, j]), j
        searches.append((own, other, column, own < other))
    return searches


WALKS = {"a": 9, "b": 4, "c": 1, "d": 6, "e": 1, "f": 3}


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.29, 0.5, 1.0])
def test_threshold_equals_plain_loop(distance: str, share: float) -> None:
    gallery = gallery_of(WALKS)
    searches = searches_by_loop(gallery, distance)
    learned = learn_gallery_threshold(gallery, share, MatchingOptions(distance))
    impostors = sorted(other for _, other, _, _ in searches)
    allowed = max(n for n in range(len(impostors) + 1) if n / len(impostors) <= share)
    # Two sequences that are each other's nearest have one distance, and are accepted together.
    accepted = [d for d in impostors if allowed == 24 or d < impostors[allowed] - 1e-6]
    assert (learned.n_impostors, learned.false_accepts) == (24, len(accepted) / 24)
    assert learned.distance == pytest.approx(impostors[min(allowed, 23)], rel=1e-5)
    mated = [(own, is_first) for own, _, _, is_first in searches if np.isfinite(own)]
    hits = [is_first and own <= learned.distance for own, is_first in mated]
    assert (learned.n_enrolled, learned.true_accepts) == (22, pytest.approx(np.mean(hits)))
    assert learned.n_in_gallery == 0


@pytest.mark.parametrize("columns_at_a_time", [1, 5, 2**16])
@pytest.mark.parametrize("probes", [None, [3, 17, 0], []])
def test_a_sequence_is_never_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch, columns_at_a_time: int, probes: list[int] | None
) -> None:
    monkeypatch.setitem(open_set.nearest_people.__kwdefaults__, "columns_at_a_time", columns_at_a_time)
    gallery = gallery_of(WALKS)
    indices = None if probes is None else np.array(probes, np.int64)
    found = search_without_self(gallery, MatchingOptions(memory_mb=0.001), indices)
    expected = [searches_by_loop(gallery, "euclidean")[i] for i in (range(24) if probes is None else probes)]
    np.testing.assert_allclose(found.mates, [own for own, *_ in expected], rtol=1e-5)
    np.testing.assert_allclose(found.others[:, 0], [other for _, other, *_ in expected], rtol=1e-5)
    assert found.other_columns[:, 0].tolist() == [column for _, _, column, _ in expected]
    assert found.is_first[:, 0].tolist() == [is_first for *_, is_first in expected]


def test_person_with_one_sequence_counts_as_impostor_only() -> None:
    gallery = gallery_of({"a": 1, "b": 1})
    learned = learn_gallery_threshold(gallery, 1.0)
    assert (learned.n_impostors, learned.n_enrolled, learned.true_accepts, learned.curve) == (2, 0, None, ())
    assert learned.distance == pytest.approx(float(distance_matrix(gallery.values, gallery.values)[0, 1]))


def test_fewer_than_two_people_are_refused() -> None:
    with pytest.raises(ProtocolError, match="the gallery: found 3 sequences of one person, expected at least two peop"):
        learn_gallery_threshold(gallery_of({"a": 3}), 0.1)
    with pytest.raises(ProtocolError, match="the gallery: found no sequence"):
        learn_gallery_threshold(Embeddings([], np.empty((0, 5, 3), np.float32)), 0.1)


@pytest.mark.parametrize("probes", [None, [2, 9, 20]])
def test_near_duplicates_equal_plain_loop(probes: list[int] | None) -> None:
    gallery = gallery_of(WALKS, noise=1.5)
    searches = searches_by_loop(gallery, "euclidean")
    limit = float(np.median([own for own, *_ in searches if np.isfinite(own)]))
    assert typical_distance(gallery) == pytest.approx(limit)
    pairs = {
        frozenset((i, column)): other
        for i, (_, other, column, _) in enumerate(searches)
        if other <= limit and (probes is None or i in probes)
    }
    found = near_duplicates(gallery, None, None if probes is None else np.array(probes))
    index_of = {key: i for i, key in enumerate(gallery.keys)}
    assert {frozenset((index_of[pair.sequence], index_of[pair.other])) for pair in found} == set(pairs)
    assert [pair.distance for pair in found] == pytest.approx(sorted(pairs.values()))
    assert probes or 0 < len(found) < 24


@pytest.mark.parametrize(("factor", "n"), [(1.0, 1), (1.009, 1), (1.02, 0)])
def test_nearly_equal_embeddings_are_found_if_nobody_has_two_sequences(factor: float, n: int) -> None:
    gallery = gallery_of({"a": 1, "b": 1, "c": 1})
    values = np.asarray(gallery.values[:]).copy()
    values[2] = values[0] * factor
    found = near_duplicates(Embeddings(gallery.keys, values))
    assert [(pair.sequence, pair.other) for pair in found] == [(gallery.keys[0], gallery.keys[2])] * n


def test_empty_gallery_and_one_person_have_no_near_duplicates() -> None:
    assert near_duplicates(Embeddings([], np.empty((0, 5, 3), np.float32))) == []
    assert near_duplicates(gallery_of({"a": 3})) == []
