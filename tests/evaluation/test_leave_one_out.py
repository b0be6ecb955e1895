"""Threshold, near-duplicates and repeats in a gallery, one sequence left out, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.embeddings import Embeddings
from skelgait.errors import ProtocolError
from skelgait.evaluation import leave_one_out, repeated_walks
from skelgait.evaluation.leave_one_out import near_duplicates, search_gallery
from skelgait.evaluation.threshold import learn_gallery_threshold
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
    learned = learn_gallery_threshold(search_gallery(gallery, MatchingOptions(distance)), share)
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


@pytest.mark.parametrize("probes_at_a_time", [1, 5, 512])
@pytest.mark.parametrize("probes", [None, [3, 17, 0], []])
def test_a_sequence_is_never_compared_with_itself(
    monkeypatch: pytest.MonkeyPatch, probes_at_a_time: int, probes: list[int] | None
) -> None:
    monkeypatch.setattr(leave_one_out, "_PROBES_AT_A_TIME", probes_at_a_time)
    gallery = gallery_of(WALKS)
    indices = None if probes is None else np.array(probes, np.int64)
    finished: list[int] = []
    search = search_gallery(gallery, MatchingOptions(memory_mb=0.001), indices, lambda n, _="": finished.append(n))
    found = search.nearest
    assert sum(finished) == (24 if probes is None else len(probes))
    searches = searches_by_loop(gallery, "euclidean")
    expected = [searches[i] for i in (range(24) if probes is None else probes)]
    np.testing.assert_allclose(found.mates, [own for own, *_ in expected], rtol=1e-5)
    np.testing.assert_allclose(found.others[:, 0], [other for _, other, *_ in expected], rtol=1e-5)
    assert found.other_columns[:, 0].tolist() == [column for _, _, column, _ in expected]
    assert found.is_first[:, 0].tolist() == [is_first for *_, is_first in expected]


def test_person_with_one_sequence_counts_as_impostor_only() -> None:
    gallery = gallery_of({"a": 1, "b": 1})
    learned = learn_gallery_threshold(search_gallery(gallery), 1.0)
    assert (learned.n_impostors, learned.n_enrolled, learned.true_accepts, learned.curve) == (2, 0, None, ())
    assert learned.distance == pytest.approx(float(distance_matrix(gallery.values, gallery.values)[0, 1]))


def test_fewer_than_two_people_are_refused() -> None:
    with pytest.raises(ProtocolError, match="the gallery: found 3 sequences of one person, expected at least two peop"):
        learn_gallery_threshold(search_gallery(gallery_of({"a": 3})), 0.1)
    with pytest.raises(ProtocolError, match="the gallery: found no sequence"):
        search_gallery(Embeddings([], np.empty((0, 5, 3), np.float32)))


@pytest.mark.parametrize("probes", [None, [2, 9, 20]])
def test_near_duplicates_equal_plain_loop(probes: list[int] | None) -> None:
    gallery = gallery_of(WALKS, noise=1.5)
    searches = searches_by_loop(gallery, "euclidean")
    limit = float(np.median([own for own, *_ in searches if np.isfinite(own)]))
    pairs = {
        frozenset((i, column)): other
        for i, (_, other, column, _) in enumerate(searches)
        if other <= limit and (probes is None or i in probes)
    }
    search = search_gallery(gallery, None, None if probes is None else np.array(probes))
    assert search.typical == pytest.approx(limit)
    found = near_duplicates(search)
    index_of = {key: i for i, key in enumerate(gallery.keys)}
    assert {frozenset((index_of[pair.sequence], index_of[pair.other])) for pair in found} == set(pairs)
    assert [pair.distance for pair in found] == pytest.approx(sorted(pairs.values()))
    assert probes or 0 < len(found) < 24


@pytest.mark.parametrize(("factor", "n"), [(1.0, 1), (1.0019, 1), (1.0021, 0)])
def test_nearly_equal_embeddings_are_found_if_nobody_has_two_sequences(factor: float, n: int) -> None:
    gallery = gallery_of({"a": 1, "b": 1, "c": 1})
    values = np.asarray(gallery.values[:]).copy()
    values[2] = values[0] * factor
    found = near_duplicates(search_gallery(Embeddings(gallery.keys, values)))
    assert all(pair.typical is None for pair in found)
    assert [(pair.sequence, pair.other) for pair in found] == [(gallery.keys[0], gallery.keys[2])] * n


def test_one_person_has_no_near_duplicates() -> None:
    assert near_duplicates(search_gallery(gallery_of({"a": 3}))) == []


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("rows_at_a_time", [4, 512])
def test_repeats_of_one_walk_do_not_count_as_a_match(
    monkeypatch: pytest.MonkeyPatch, distance: str, rows_at_a_time: int
) -> None:
    monkeypatch.setattr(repeated_walks, "_ROWS_AT_A_TIME", rows_at_a_time)
    once = gallery_of(WALKS)
    # The walks of a, the only one of c, and one of b under another name are enrolled again.
    again = [i for i, key in enumerate(once.keys) if key.identity in "ac"]
    keys = [*once.keys, *(once.keys[i]._replace(condition="again") for i in again), Key("g", "nm", "0")]
    values = np.asarray(once.values)
    copies = [*again, [key.identity for key in once.keys].index("b")]
    twice = Embeddings(keys, np.concatenate([values, values[copies] * np.float32(1.001)]))
    search, expected = (search_gallery(gallery, MatchingOptions(distance)) for gallery in (twice, once))
    assert search.repeats == [(once.keys[i], once.keys[i]._replace(condition="again")) for i in again]
    np.testing.assert_allclose(search.nearest.mates[:24], expected.nearest.mates, rtol=0.02)
    mates = search.nearest.mates
    assert search.typical == pytest.approx(np.median(mates[np.isfinite(mates)]), rel=1e-5)
    (only,) = np.flatnonzero([key.identity == "c" for key in once.keys])
    assert np.isinf(search.nearest.mates[[only, 24 + again.index(only)]]).all()
    assert search_gallery(twice, MatchingOptions(distance), np.array([24])).repeats == [
        (once.keys[again[0]], keys[24]),
    ]
    assert learn_gallery_threshold(search, 1.0).n_enrolled == 22 + 9
