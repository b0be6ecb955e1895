"""Accept rates against sorted distances."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from skelgait.matching.verification import REJECT_ALL, AcceptRates, DistanceHistogram

BIN = 2**-13
"""Width of a bin, as a share of the distance."""


def counted(genuine: list[float] | NDArray[np.floating], impostor: list[float] | NDArray[np.floating]) -> AcceptRates:
    """The rates of one probe, whose gallery has all these pairs."""
    distances = np.float32([[*genuine, *impostor]])
    identities = np.repeat([0, 1], [len(genuine), len(impostor)])
    counts = DistanceHistogram()
    counts.add_impostors(distances, np.array([0]), identities)
    counts.add_genuine(distances[0, : len(genuine)])
    return counts.counts().rates()


def plain_true_at(genuine: NDArray[np.floating], impostor: NDArray[np.floating], share: float) -> float:
    """The largest share of true accepts over all thresholds with at most that share of false ones."""
    best = 0.0
    for threshold in sorted({*genuine.tolist(), *impostor.tolist()}):
        if np.mean(impostor <= threshold) <= share:
            best = max(best, float(np.mean(genuine <= threshold)))
    return best


def plain_equal_error_rate(genuine: NDArray[np.floating], impostor: NDArray[np.floating]) -> float:
    """Where the lines between thresholds cross."""
    before = (0.0, 1.0)
    for threshold in sorted({*genuine.tolist(), *impostor.tolist()}):
        false, rejected = float(np.mean(impostor <= threshold)), float(np.mean(genuine > threshold))
        if false >= rejected:
            gap, next_gap = before[1] - before[0], false - rejected
            return before[0] + gap / (gap + next_gap) * (false - before[0])
        before = (false, rejected)
    raise AssertionError


def drawn(n_genuine: int, n_impostor: int, apart: float, seed: int) -> tuple[NDArray[np.floating], ...]:
    """Distances that lie in bins of their own, so that every distance is a threshold."""
    rng = np.random.default_rng(seed)
    places = np.concatenate([rng.normal(1, 0.2, n_genuine), rng.normal(1 + apart, 0.2, n_impostor)]).argsort().argsort()
    distances = np.float32(0.5 * 1.001**places)
    assert len(np.unique(distances)) == n_genuine + n_impostor
    return distances[:n_genuine], distances[n_genuine:]


@pytest.mark.parametrize(
    ("n_genuine", "n_impostor", "apart"), [(1, 1, 0.0), (5, 40, 0.2), (100, 1000, 0.4), (300, 300, 0.0), (20, 500, 2.0)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_rates_equal_those_of_sorted_distances(n_genuine: int, n_impostor: int, apart: float, seed: int) -> None:
    genuine, impostor = drawn(n_genuine, n_impostor, apart, seed)
    rates = counted(genuine, impostor)
    assert (rates.n_genuine, rates.n_impostor) == (n_genuine, n_impostor)
    together = np.sort(np.concatenate([genuine, impostor]))
    np.testing.assert_allclose(rates.thresholds, together, rtol=BIN)
    # At each threshold, exactly what is accepted there.
    for threshold, true, false in zip(rates.thresholds, rates.true, rates.false, strict=True):
        assert true == np.mean(genuine <= threshold)
        assert false == np.mean(impostor <= threshold)
    for share in (0, 0.001, 0.01, 0.05, 0.1, 0.5, 1):
        assert rates.true_at(share) == plain_true_at(genuine, impostor, share)
        threshold = rates.threshold_at(share)
        assert np.mean(impostor <= threshold) <= share
        further = together[together > threshold]
        assert not len(further) or np.mean(impostor <= further[0]) > share
    assert rates.equal_error_rate() == pytest.approx(plain_equal_error_rate(genuine, impostor), abs=1e-12)


@pytest.mark.parametrize(
    ("genuine", "impostor", "eer"),
    [
        ([0.1, 0.2], [0.3, 0.4], 0),  # apart
        ([0.3, 0.4], [0.1, 0.2], 1),  # the wrong way round
        ([0.1, 0.3], [0.2, 0.4], 0.5),
        ([0.5, 0.5], [0.5, 0.5], 0.5),  # all at one distance: half of the way
        ([0.0, 0.0], [0.0, 0.0], 0.5),
        ([0.1, 0.2, 0.4], [0.3, 0.5, 0.6], 1 / 3),
    ],
)
def test_equal_error_rate_of_small_examples(genuine: list[float], impostor: list[float], eer: float) -> None:
    assert counted(genuine, impostor).equal_error_rate() == pytest.approx(eer)


def test_rate_at_exact_share() -> None:
    rates = counted([0.1, 0.25, 0.9], [0.2 + 0.1 * i for i in range(10)])
    assert rates.true_at(0.1) == pytest.approx(2 / 3)
    assert rates.true_at(0.0999) == pytest.approx(1 / 3)
    assert rates.threshold_at(0.1) == pytest.approx(0.25, rel=BIN)


def test_threshold_excludes_the_next_bin() -> None:
    below = float(np.nextafter(np.float32(1), np.float32(0)))
    rates = counted([below, 1.0], [1.0])
    assert rates.thresholds[0] == below
    assert rates.true.tolist() == [0.5, 1]
    assert 1.0 < rates.thresholds[1] < 1 + BIN


def test_no_threshold_with_few_enough_false_accepts() -> None:
    rates = counted([0.2, 0.3], [0.1, 0.4])
    assert rates.true_at(0.1) == 0
    assert rates.threshold_at(0.1) == -1


@pytest.mark.parametrize(("genuine", "impostor"), [([], []), ([0.5], []), ([], [0.5])])
def test_only_genuine_or_only_impostor_pairs(genuine: list[float], impostor: list[float]) -> None:
    rates = counted(genuine, impostor)
    assert (rates.n_genuine, rates.n_impostor) == (len(genuine), len(impostor))
    assert len(rates.thresholds) == len(genuine) + len(impostor)
    assert 0 <= rates.equal_error_rate() <= 1
    assert rates.true_at(0.5) == len(genuine)


def test_negative_distances_count_as_zero() -> None:
    below = [-1.2e-7, -6e-8, -0.0, 0.0]
    rates = counted(below, [*below, 1.0])
    assert rates.true_at(0.8) == 1
    assert rates.threshold_at(0.8) == pytest.approx(0, abs=1e-40)
    assert (rates.n_genuine, rates.n_impostor) == (4, 5)
    assert counted([1.0], below).true_at(0.1) == 0


def test_blocks_of_probes_add_up() -> None:
    rng = np.random.default_rng(0)
    distances = rng.random((37, 50)).astype(np.float32)
    probes, gallery = rng.integers(0, 5, 37), rng.integers(0, 5, 50)
    is_match = probes[:, None] == gallery
    at_once, in_blocks = DistanceHistogram(), DistanceHistogram()
    at_once.add_impostors(distances, probes, gallery)
    at_once.add_genuine(distances[is_match])
    for start in range(0, 37, 3):
        members = slice(start, start + 3)
        in_blocks.add_impostors(distances[members], probes[members], gallery)
        in_blocks.add_genuine(distances[members][is_match[members]])
    for counts in (at_once, in_blocks):
        rates = counts.counts().rates()
        assert (rates.n_genuine, rates.n_impostor) == (is_match.sum(), (~is_match).sum())
        for threshold, true, false in zip(rates.thresholds[::50], rates.true[::50], rates.false[::50], strict=True):
            assert true == np.mean(distances[is_match] <= threshold)
            assert false == np.mean(distances[~is_match] <= threshold)


def test_no_pairs() -> None:
    counts = DistanceHistogram()
    counts.add_impostors(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), np.zeros(3, np.int64))
    counts.add_impostors(np.zeros((3, 0), np.float32), np.zeros(3, np.int64), np.zeros(0, np.int64))
    counts.add_genuine(np.zeros(0, np.float32))
    assert counts.counts().rates().n_impostor == 0


@pytest.mark.parametrize("n", [4, 30, 3000])
@pytest.mark.parametrize("decimals", [1, 2, 6])
def test_curve_has_all_corners_of_scikit_learn_and_moves_none(n: int, decimals: int) -> None:
    rng = np.random.default_rng(n)
    genuine, impostor = (np.float32(rng.normal(mean, 0.3, n).round(decimals).clip(0.1)) for mean in (1.0, 1.5))
    rates = counted(genuine, impostor)
    curve = rates.curve()
    # Distances of one bin are accepted together.
    scores = [-rates.thresholds[np.searchsorted(rates.thresholds, values)] for values in (genuine, impostor)]
    expected = roc_curve([1] * n + [0] * n, np.concatenate(scores), drop_intermediate=False)
    points = set(zip(expected[0].tolist(), expected[1].tolist(), strict=True))
    assert points.issuperset(zip(curve.false.tolist(), curve.true.tolist(), strict=True))
    assert (curve.false[0], curve.true[0], curve.thresholds[0]) == (0, 0, REJECT_ALL)
    assert (curve.false[-1], curve.true[-1]) == (1, 1)
    # Every point of scikit-learn is on a line between two points of the curve.
    for false, true in points:
        after = int(np.argmax((curve.false >= false) & (curve.true >= true)))
        width, height = (np.diff(values)[max(0, after - 1)] for values in (curve.false, curve.true))
        offset = (curve.false[after] - false) * height - (curve.true[after] - true) * width
        assert offset == pytest.approx(0, abs=1e-12)
    assert len(curve.true) < len(rates.true) or n < 30
    for share in (0.001, 0.01, 0.1, 0.125, 0.5):
        assert rates.true_at(share) == curve.true_at(share) == max(expected[1][expected[0] <= share])
    eer = rates.equal_error_rate()
    assert curve.equal_error_rate() == pytest.approx(eer, abs=1e-12)
    after = int(np.argmax(curve.false + curve.true >= 1))
    (x0, x1), (y0, y1) = curve.false[after - 1 : after + 1], curve.true[after - 1 : after + 1]
    assert (eer - x0) * (y1 - y0) == pytest.approx((1 - eer - y0) * (x1 - x0), abs=1e-12)


def test_curve_keeps_the_upper_corner_of_a_vertical_step() -> None:
    # One false accept of 8, then more true accepts at the same rate.
    rates = counted([0.1, 0.3, 0.4, 0.5], [0.2, *(0.6 + 0.1 * i for i in range(7))])
    curve = rates.curve()
    assert curve.false.tolist() == [0, 0, 0.125, 0.125, 1]
    assert curve.true.tolist() == [0, 0.25, 0.25, 1, 1]
    assert curve.true_at(0.125) == 1
