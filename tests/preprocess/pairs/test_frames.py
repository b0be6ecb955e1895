"""Which frames belong together, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.preprocess.pairs.frames import OnMismatch, UnmatchedError, frames_that_pair
from skelgait.storage.frame_names import frame_number
from tests.preprocess.pairs.frame_sequences import named, plain_match


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("", None),
        ("frame", None),
        ("human_crop_f11627", 11627),
        ("001-bg-01-000-003", 3),
        ("0021", 21),
        ("f7_", 7),
        ("٣", None),  # a digit, but none of ours
        ("9" * 10_000, None),
    ],
)
def test_the_number_of_a_frame(name: str, number: int | None) -> None:
    assert frame_number(name) == number


@pytest.mark.parametrize("policy", ["error", "skip", "trim", "match-by-frame"])
def test_equal_numbers_of_frames_pair_as_they_lie(policy: OnMismatch) -> None:
    assert frames_that_pair(policy, 0, 0) is None
    assert frames_that_pair(policy, 5, 5) is None
    assert frames_that_pair(policy, 2, 2, ["1", "2"], None) is None  # names on one side tell nothing
    assert frames_that_pair(policy, 2, 2, ["f9", "f10"], ["s009", "s010"]) is None
    assert frames_that_pair(policy, 2, 2, ["first", "second"], ["first", "second"]) is None


@pytest.mark.parametrize(
    ("policy", "maps", "silhouettes", "reason"),
    [
        ("skip", [], [1], "0 maps but 1 silhouettes; use --on-mismatch match-by-frame or trim"),
        ("error", [1], [1, 2], "1 maps but 2 silhouettes"),
        ("trim", [], [1], "0 maps and 1 silhouettes: nothing is left to pair"),
        ("match-by-frame", [], ["1"], r"no frame that both have \(maps none, silhouettes 1 to 1\)"),
        ("match-by-frame", ["1", "2"], ["3", "4"], r"no frame that both have \(maps 1 to 2, silhouettes 3 to 4\)"),
        ("match-by-frame", ["a1", "b1", "c2"], ["1", "2"], r"frame 1 twice among the maps \('a1' and 'b1'\)"),
        ("match-by-frame", ["1", "2"], ["1", "01"], r"frame 1 twice among the silhouettes \('1' and '01'\)"),
        ("match-by-frame", ["1", "2"], ["1", "two"], "no number in 'two', a frame of the silhouettes"),
    ],
)
def test_what_does_not_belong_together_is_told_with_a_hint(
    policy: OnMismatch, maps: list[str], silhouettes: list[str], reason: str
) -> None:
    with pytest.raises(UnmatchedError, match=reason) as raised:
        frames_that_pair(policy, len(maps), len(silhouettes), maps, silhouettes)
    assert "; " in str(raised.value)


@pytest.mark.parametrize(
    ("maps", "silhouettes", "side"),
    [(None, None, "maps and silhouettes"), (["1"], None, "silhouettes"), (None, ["1", "2"], "maps")],
)
def test_unequal_sequences_without_names_do_not_match(
    maps: list[str] | None, silhouettes: list[str] | None, side: str
) -> None:
    with pytest.raises(UnmatchedError, match=f"1 maps but 2 silhouettes, and no names of the frames of the {side};"):
        frames_that_pair("match-by-frame", 1, 2, maps, silhouettes)


@pytest.mark.parametrize("seed", range(40))
def test_matching_is_as_by_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    walk = np.arange(5, 5 + rng.integers(1, 14))
    sides = [[int(n) for n in rng.permutation(walk)[: rng.integers(0, len(walk) + 1)]] for _ in range(2)]
    if seed % 2:  # as frames lie mostly
        sides = [sorted(side) for side in sides]
    expected = plain_match(*sides)
    names = named(sides[0]), named(sides[1], "{:05d}")
    if sides[0] == sides[1]:
        assert frames_that_pair("match-by-frame", *map(len, sides), *names) is None
    elif not expected:
        with pytest.raises(UnmatchedError, match="no frame that both have"):
            frames_that_pair("match-by-frame", *map(len, sides), *names)
    else:
        cut = frames_that_pair("match-by-frame", *map(len, sides), *names)
        assert cut is not None
        assert list(zip(cut.maps.tolist(), cut.silhouettes.tolist(), strict=True)) == expected
        assert (cut.n_maps, cut.n_silhouettes) == tuple(map(len, sides))


@pytest.mark.parametrize(("n_maps", "n_silhouettes"), [(1, 2), (7, 3)])
def test_trimming_takes_the_first_frames(n_maps: int, n_silhouettes: int) -> None:
    cut = frames_that_pair("trim", n_maps, n_silhouettes)
    assert cut is not None
    assert cut.maps.tolist() == cut.silhouettes.tolist() == [i for i in range(n_maps) if i < n_silhouettes]
