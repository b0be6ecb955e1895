"""Identification against plain loops."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from skelgait.embeddings import Embeddings
from skelgait.errors import CheckpointError, DataError, ProtocolError, ShapeError
from skelgait.evaluation.identification import check_same_checkpoint, identify
from skelgait.evaluation.threshold import learn_threshold
from skelgait.matching import open_set
from skelgait.matching.distances import distance_matrix
from skelgait.matching.options import MatchingOptions
from skelgait.storage import Key


def people(names: str, walks: int = 3, seed: int = 0) -> Embeddings:
    """Some walks of each person, which are near each other."""
    generator = torch.Generator().manual_seed(seed)
    keys, values = [], []
    for name in names:
        center = torch.randn(5, 3, generator=torch.Generator().manual_seed(ord(name)))
        for walk in range(walks):
            keys.append(Key(name, "nm", str(walk)))
            values.append(center + 0.7 * torch.randn(5, 3, generator=generator))
    return Embeddings(keys, torch.stack(values) if values else torch.empty(0, 5, 3))


def nearest_by_loop(probes: Embeddings, gallery: Embeddings, distance: str) -> list[list[tuple[float, Key]]]:
    """Of each probe the people of the gallery, from the nearest on, each by their nearest sequence."""
    distances = distance_matrix(probes.values[:], gallery.values[:], distance)
    found = []
    for row in distances.tolist():
        best: dict[str, tuple[float, Key]] = {}
        for distance, key in zip(row, gallery.keys, strict=True):
            if key.identity not in best or distance < best[key.identity][0]:
                best[key.identity] = (distance, key)
        found.append(sorted(best.values(), key=lambda match: match[0]))
    return found


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("top", [1, 3, 50])
def test_candidates_equal_plain_loop(distance: str, top: int) -> None:
    probes, gallery = people("acxz", seed=1), people("abcdefg")
    expected = nearest_by_loop(probes, gallery, distance)
    for memory_mb in (1, 1024):
        found = identify(probes, gallery, MatchingOptions(distance, memory_mb=memory_mb), top=top)
        assert [match.probe for match in found] == probes.keys
        for match, wanted in zip(found, expected, strict=True):
            assert [c.sequence for c in match.candidates] == [key for _, key in wanted[:top]]
            assert [c.identity for c in match.candidates] == [key.identity for _, key in wanted[:top]]
            assert [c.distance for c in match.candidates] == pytest.approx([d for d, _ in wanted[:top]], abs=1e-6)
            assert match.accepted is None


def test_probe_is_accepted_up_to_the_threshold() -> None:
    probes, gallery = people("acxz", seed=1), people("abc")
    nearest = [match.candidates[0].distance for match in identify(probes, gallery)]
    for threshold in (0.0, min(nearest), sorted(nearest)[4], max(nearest), 100.0):
        found = identify(probes, gallery, threshold=threshold)
        assert [match.accepted for match in found] == [distance <= threshold for distance in nearest]


def test_gallery_sequence_finds_itself() -> None:
    gallery = people("abc")
    for match in identify(gallery, gallery, top=1):
        assert match.candidates[0].sequence == match.probe
        assert match.candidates[0].distance == pytest.approx(0, abs=1e-3)


def test_ties_are_in_gallery_order() -> None:
    gallery = Embeddings([Key(name, "n", "0") for name in "ba"], torch.ones(2, 5, 3))
    (found,) = identify(Embeddings([Key("x", "n", "0")], torch.zeros(1, 5, 3)), gallery)
    assert [c.identity for c in found.candidates] == ["b", "a"]


def threshold_by_loop(validation: Embeddings, gallery: Embeddings, share: float) -> tuple[list[float], int]:
    """Of each stranger the distance to the nearest person but their own; and how many may be accepted."""
    strangers = []
    for key, nearest in zip(validation.keys, nearest_by_loop(validation, gallery, "euclidean"), strict=True):
        others = [distance for distance, match in nearest if match.identity != key.identity]
        strangers += others[:1]
    return strangers, max(n for n in range(len(strangers) + 1) if n / len(strangers) <= share)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.29, 0.5, 0.57, 0.99, 1.0])
@pytest.mark.parametrize(("validation", "gallery"), [("vwxyzstuqr", "abc"), ("abcxyzstuq", "abcd"), ("abcde", "abcde")])
def test_threshold_accepts_the_allowed_share(share: float, validation: str, gallery: str) -> None:
    asked, known = people(validation, walks=20, seed=1), people(gallery)
    strangers, allowed = threshold_by_loop(asked, known, share)
    learned = learn_threshold(asked, known, share)
    accepted = sum(distance <= learned.distance + 1e-6 for distance in strangers)
    assert learned.n_impostors == len(strangers)
    assert learned.false_accepts == pytest.approx(allowed / len(strangers))
    assert accepted - allowed in (0, 1), "the next one is at the threshold itself"
    matches = [(k, n[0]) for k, n in zip(asked.keys, nearest_by_loop(asked, known, "euclidean"), strict=True)]
    enrolled_matches = [(k, d, match) for k, (d, match) in matches if k.identity in gallery]
    assert learned.n_enrolled == len(enrolled_matches)
    hits = [match.identity == k.identity and d <= learned.distance for k, d, match in enrolled_matches]
    assert learned.true_accepts == (pytest.approx(np.mean(hits)) if hits else None)


def test_threshold_is_the_largest_possible() -> None:
    asked, known = people("vwxyz", walks=20, seed=1), people("abc")
    learned = learn_threshold(asked, known, 0.29)
    assert (learned.n_impostors, learned.false_accepts) == (100, 0.29)
    nearest = sorted(match.candidates[0].distance for match in identify(asked, known))
    assert nearest[28] <= learned.distance < nearest[29]
    assert learned.distance == pytest.approx(nearest[29])
    accepted = [match.accepted for match in identify(asked, known, threshold=learned.distance)]
    assert sum(map(bool, accepted)) == 29


def test_threshold_for_zero_false_accepts_rejects_all() -> None:
    gallery = people("ab")
    twin = Embeddings([Key("z", "n", "0")], gallery.values[:1])
    assert learn_threshold(twin, gallery, 0.0).false_accepts == 0.0
    assert learn_threshold(twin, gallery, 1.0).false_accepts == 1.0


def test_gallery_of_one_person() -> None:
    gallery = people("a")
    found = identify(people("ab", seed=1), gallery, top=5)
    assert [[c.identity for c in match.candidates] for match in found] == [["a"]] * 6
    # Only the walks of the other one are a stranger's.
    learned = learn_threshold(people("ab", seed=1), gallery, 0.5)
    assert (learned.n_impostors, learned.n_enrolled) == (3, 3)
    with pytest.raises(ProtocolError, match=r"--validation: found 3 sequences of the one person in the gallery"):
        learn_threshold(people("a", seed=1), gallery, 0.5)


def test_gallery_order_does_not_change_candidates() -> None:
    probes, gallery = people("acx", seed=1), people("abcdefg")
    order = random.Random(0).sample(range(len(gallery.keys)), len(gallery.keys))
    other = Embeddings([gallery.keys[i] for i in order], gallery.values[:][order])
    for first, second in zip(identify(probes, gallery), identify(probes, other), strict=True):
        assert [c.sequence for c in first.candidates] == [c.sequence for c in second.candidates]


def test_empty_or_different_embeddings_are_an_error() -> None:
    both_people = people("ab")
    for probes, gallery, where in ((both_people, people(""), "the gallery"), (people(""), both_people, "the probes")):
        with pytest.raises(ProtocolError, match=f"{where}: found no sequence, expected at least one"):
            identify(probes, gallery)
        with pytest.raises(ProtocolError, match=f"{where}: found no sequence"):
            learn_threshold(probes, gallery, 0.1)
    wide = Embeddings(both_people.keys, torch.ones(len(both_people.keys), 6, 3))
    with pytest.raises(ShapeError, match="embeddings of 6 x 3, expected 5 x 3, as in the gallery"):
        identify(wide, both_people)
    for bad in (torch.nan, torch.inf):
        broken = Embeddings(both_people.keys, both_people.values[:].clone().index_fill_(0, torch.tensor([4]), bad))
        for probes, gallery, where in ((both_people, broken, "the gallery"), (broken, both_people, "the probes")):
            with pytest.raises(
                CheckpointError, match=f"{where}: found NaN or infinity in 1 embedding, first in b/nm/1"
            ):
                identify(probes, gallery)


def test_embeddings_of_other_checkpoints_are_an_error() -> None:
    check_same_checkpoint([("a.h5", "12" * 32)])
    check_same_checkpoint([("a.h5", "12" * 32), ("b.h5", "12" * 32)])
    with pytest.raises(DataError) as caught:
        check_same_checkpoint([("a.h5", "12" * 32), ("b.h5", "34" * 32)])
    assert str(caught.value) == (
        "b.h5: found the checkpoint 343434343434..., expected 121212121212... as of a.h5; "
        "embed both with one checkpoint"
    )


@pytest.mark.parametrize("columns_at_a_time", [4, 2**16])
def test_operating_points_equal_plain_loop(columns_at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(open_set.nearest_people.__kwdefaults__, "columns_at_a_time", columns_at_a_time)
    validation, gallery = people("abcdexyz", walks=15, seed=1), people("bacdefg", walks=2)
    learned = learn_threshold(validation, gallery, 0.05)
    impostors, mates = [], []
    for key, nearest in zip(validation.keys, nearest_by_loop(validation, gallery, "euclidean"), strict=True):
        impostors.append(min(d for d, match in nearest if match.identity != key.identity))
        mates += [(d, rank == 1) for rank, (d, match) in enumerate(nearest, 1) if match.identity == key.identity]
    assert len(mates) == 75
    assert [point.false_positive for point in learned.operating_points] == [0.01]
    assert learned.curve[0].false_positive == 1 / 120
    assert learned.curve[-1].false_positive == 1
    for point in learned.curve:
        # Just below the distance of the first impostor who is too many.
        thresholds = [t for t in sorted(impostors) if np.mean(np.array(impostors) <= t) > point.false_positive]
        limit = min(thresholds, default=np.inf)
        assert point.false_negative == pytest.approx(np.mean([d >= limit for d, _ in mates]))
        assert point.detected == pytest.approx(np.mean([d < limit and first for d, first in mates]))
        assert np.mean(np.array(impostors) <= point.distance - 1e-6) <= point.false_positive


def test_validation_without_enrolled_people_has_no_operating_points() -> None:
    learned = learn_threshold(people("xyz", walks=50, seed=1), people("abc"), 0.05)
    assert (learned.operating_points, learned.curve, learned.n_in_gallery) == ((), (), 0)
    assert learn_threshold(people("abx", seed=1), people("abc"), 0.05).n_in_gallery == 6
