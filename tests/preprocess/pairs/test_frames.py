"""Pairing of frames, compared with plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from skelgait.preprocess.pairs.frames import OnMismatch, UnmatchedError, pair_frames
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
        ("٣", None),  # not an ASCII digit
        ("9" * 10_000, None),
    ],
)
def test_frame_number_is_the_last_number_in_the_name(name: str, number: int | None) -> None:
    assert frame_number(name) == number


@pytest.mark.parametrize("policy", ["error", "skip", "trim", "match-by-frame"])
def test_equal_numbers_of_frames_are_paired_in_order(policy: OnMismatch) -> None:
    assert pair_frames(policy, 0, 0) is None
    assert pair_frames(policy, 5, 5) is None
    assert pair_frames(policy, 2, 2, ["1", "2"], None) is None  # names on one side only
    assert pair_frames(policy, 2, 2, ["f9", "f10"], ["s009", "s010"]) is None
    assert pair_frames(policy, 2, 2, ["first", "second"], ["first", "second"]) is None


@pytest.mark.parametrize(
    ("policy", "maps", "silhouettes", "reason"),
    [
        ("skip", [], [1], "0 maps but 1 silhouettes; use --on-mismatch match-by-frame or trim"),
        ("error", [1], [1, 2], "1 maps but 2 silhouettes"),
        ("trim", [], [1], "0 maps and 1 silhouettes, so no frame to pair"),
        ("match-by-frame", [], ["1"], r"no common frame \(maps none, silhouettes 1 to 1\)"),
        ("match-by-frame", ["1", "2"], ["3", "4"], r"no common frame \(maps 1 to 2, silhouettes 3 to 4\)"),
        ("match-by-frame", ["a1", "b1", "c2"], ["1", "2"], r"frame 1 twice in the maps \('a1' and 'b1'\)"),
        ("match-by-frame", ["1", "2"], ["1", "01"], r"frame 1 twice in the silhouettes \('1' and '01'\)"),
        ("match-by-frame", ["1", "2"], ["1", "two"], "no number in 'two', a frame of the silhouettes"),
    ],
)
def test_unpaired_frames_are_refused_with_a_hint(
    policy: OnMismatch, maps: list[str], silhouettes: list[str], reason: str
) -> None:
    with pytest.raises(UnmatchedError, match=reason) as raised:
        pair_frames(policy, len(maps), len(silhouettes), maps, silhouettes)
    assert "; " in str(raised.value)


@pytest.mark.parametrize(
    ("maps", "silhouettes", "side"),
    [(None, None, "maps and silhouettes"), (["1"], None, "silhouettes"), (None, ["1", "2"], "maps")],
)
def test_unequal_numbers_without_names_are_refused(
    maps: list[str] | None, silhouettes: list[str] | None, side: str
) -> None:
    with pytest.raises(UnmatchedError, match=f"1 maps but 2 silhouettes, and the {side} have no frame names;"):
        pair_frames("match-by-frame", 1, 2, maps, silhouettes)


@pytest.mark.parametrize("seed", range(40))
def test_matching_equals_plain_loops(seed: int) -> None:
    rng = np.random.default_rng(seed)
    walk = np.arange(5, 5 + rng.integers(1, 14))
    sides = [[int(n) for n in rng.permutation(walk)[: rng.integers(0, len(walk) + 1)]] for _ in range(2)]
    if seed % 2:  # the usual order
        sides = [sorted(side) for side in sides]
    expected = plain_match(*sides)
    names = named(sides[0]), named(sides[1], "{:05d}")
    if sides[0] == sides[1]:
        assert pair_frames("match-by-frame", *map(len, sides), *names) is None
    elif not expected:
        with pytest.raises(UnmatchedError, match="no common frame"):
            pair_frames("match-by-frame", *map(len, sides), *names)
    else:
        frame_pairs = pair_frames("match-by-frame", *map(len, sides), *names)
        assert frame_pairs is not None
        assert list(zip(frame_pairs.maps.tolist(), frame_pairs.silhouettes.tolist(), strict=True)) == expected
        assert (frame_pairs.n_maps, frame_pairs.n_silhouettes) == tuple(map(len, sides))


@pytest.mark.parametrize(("n_maps", "n_silhouettes"), [(1, 2), (7, 3)])
def test_trim_keeps_the_first_frames(n_maps: int, n_silhouettes: int) -> None:
    frame_pairs = pair_frames("trim", n_maps, n_silhouettes)
    assert frame_pairs is not None
    assert (
        frame_pairs.maps.tolist() == frame_pairs.silhouettes.tolist() == [i for i in range(n_maps) if i < n_silhouettes]
    )


@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 2])
def test_offset_is_added_to_the_numbers_of_the_maps(offset: int) -> None:
    maps, silhouettes = [4, 5, 7, 8, 9], [3, 5, 6, 8, 10]
    frame_pairs = pair_frames("match-by-frame", 5, 5, named(maps), named(silhouettes, "{:05d}"), offset)
    assert frame_pairs is not None
    pairs = list(zip(frame_pairs.maps.tolist(), frame_pairs.silhouettes.tolist(), strict=True))
    assert pairs == plain_match([number + offset for number in maps], silhouettes)
