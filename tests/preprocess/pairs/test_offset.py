"""Offset between frame numbers of maps and silhouettes, on synthetic walks with known offsets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.maps import LIMB, skeleton_maps
from skelgait.preprocess.pairs import find_frame_offset, pair_sequences
from skelgait.storage import Key, open_source
from tests.preprocess.pairs.numbered_walks import Walk, make_walks, write_walks

Walks = dict[Key, Walk]
SIDES = ("054", "126")
# COCO-17 joints of a person who stands.
UPRIGHT = np.array(
    [[50, 10], [52, 8], [48, 8], [54, 10], [46, 10], [62, 30], [38, 30], [66, 50], [34, 50],
     [66, 68], [34, 68], [57, 72], [43, 72], [58, 105], [42, 105], [58, 140], [42, 140]]
)  # fmt: skip


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Walks:
    return make_walks(tmp_path_factory.mktemp("walks"))


def plain_correlation(maps: np.ndarray, silhouettes: np.ndarray, offset: int, frames: list[int]) -> float:
    """Return the mean correlation of the movement of the lower half; map `t` is paired with silhouette t + offset."""
    total = 0.0
    for t in frames:
        product = map_square = silhouette_square = 0.0
        for row in range(32, 64):
            for column in range(64):
                a = float(maps[t + 1, LIMB, row, column]) - float(maps[t - 1, LIMB, row, column])
                b = float(silhouettes[t + offset + 1, row, column]) - float(silhouettes[t + offset - 1, row, column])
                product, map_square, silhouette_square = product + a * b, map_square + a * a, silhouette_square + b * b
        total += product / (map_square * silhouette_square) ** 0.5
    return total / len(frames)


@pytest.mark.parametrize("offset", [-2, -1, 0, 1, 2])
def test_known_offset_is_found_from_the_sides(tmp_path: Path, walks: Walks, offset: int) -> None:
    sources = write_walks(tmp_path, walks, offset)
    found = find_frame_offset(*sources)
    assert found.value == offset
    assert sorted(found.votes) == sorted(key for key in walks if key.view in SIDES)
    assert len(found.dissenters) <= 1
    pairing = pair_sequences(*sources, on_mismatch="match-by-frame", frame_offset="auto")
    for sequence in pairing.sequences:  # map i of the walk with silhouette i; silhouettes begin at 2
        assert sequence.frame_pairs is not None
        n = len(walks[sequence.key][0])
        assert sequence.frame_pairs.maps.tolist() == list(range(2, n - 3))
        assert sequence.frame_pairs.silhouettes.tolist() == list(range(n - 5))
        assert sequence.reason.endswith(f", with {offset} added to the frame numbers of the maps ({found.clarity})")


def test_correlations_equal_plain_loops(tmp_path: Path, walks: Walks) -> None:
    side = {key: walk for key, walk in walks.items() if key.view in SIDES}
    found = find_frame_offset(*write_walks(tmp_path, side, 1))
    for offset in (-3, 0, 1, 3):
        values = []
        for maps, silhouettes in side.values():
            # Offset 1 pairs map t with silhouette t. Silhouettes t - 4 to t + 2 must move, from the fourth to the last
            # but one; and map t must move, before the last but four.
            frames = list(range(7, len(maps) - 4))
            values.append(plain_correlation(maps, silhouettes, offset - 1, frames))
        assert found.correlations[offset] == pytest.approx(np.mean(values), abs=1e-5)


def test_front_views_are_refused(tmp_path: Path, walks: Walks) -> None:
    front = {key: walk for key, walk in walks.items() if key.view not in SIDES}
    sources = write_walks(tmp_path, front, 1)
    with pytest.raises(DataError, match="legs that move alike in maps and silhouettes in 0 of 8 sequences") as raised:
        find_frame_offset(*sources)
    assert "--frame-offset 1 if maps count from 0" in str(raised.value)
    pairing = pair_sequences(*sources, on_mismatch="match-by-frame", frame_offset=1)  # the hint works
    assert len(pairing.pairs) == 8
    assert pairing.sequences[0].reason.endswith("have, with 1 added to the frame numbers of the maps")


def test_standing_people_are_refused(tmp_path: Path, walks: Walks) -> None:
    rng = np.random.default_rng(0)
    standing = {}
    for number in range(12):
        joints = 4 * UPRIGHT + rng.normal(0, 1.5, (40, 17, 2))
        poses = np.concatenate([joints, np.full((40, 17, 1), 0.9)], axis=2)
        _, walking = next(iter(walks.values()))
        still = np.repeat(walking[:1], 40, axis=0)
        flicker = rng.random(still.shape) < 0.02
        standing[Key(f"{number:03d}", "nm-01", "090")] = (
            skeleton_maps(poses).maps,
            np.where(flicker, 255 - still, still),
        )
    with pytest.raises(DataError, match=r"move alike in maps and silhouettes in [0-4] of 12 sequences"):
        find_frame_offset(*write_walks(tmp_path, standing, 0))


def test_sequences_with_different_offsets_are_refused(tmp_path: Path, walks: Walks) -> None:
    people = sorted({key.identity for key in walks})
    sources = write_walks(tmp_path, walks, lambda key: -1 if people.index(key.identity) < 2 else 2)
    with pytest.raises(
        DataError, match="frame offset -1 in 4 sequences, frame offset 2 in 4 sequences, expected the same"
    ):
        find_frame_offset(*sources)


def test_one_sequence_with_another_offset_is_named(tmp_path: Path, walks: Walks) -> None:
    other = next(key for key in walks if key.view in SIDES)
    found = find_frame_offset(*write_walks(tmp_path, walks, lambda key: -2 if key == other else 1))
    assert found.value == 1
    assert found.dissenters[other] == -2
    assert found.clarity.startswith("auto: 7 of 8 sequences agree, correlation 0.")


def test_offset_beyond_the_range_is_refused(tmp_path: Path, walks: Walks) -> None:
    with pytest.raises(DataError, match="a frame offset of 3 or beyond, expected -2 to 2 for auto; compare"):
        find_frame_offset(*write_walks(tmp_path, walks, 3))


def test_few_sequences_are_refused(tmp_path: Path, walks: Walks) -> None:
    few = dict([(key, walk) for key, walk in walks.items() if key.view in SIDES][:4])
    with pytest.raises(
        DataError, match="in 4 of 4 sequences, expected at least 5, over 20 frames or more, to find the frame offset"
    ):
        find_frame_offset(*write_walks(tmp_path, few, 1))


def test_frames_without_names_are_refused(tmp_path: Path, walks: Walks) -> None:
    with pytest.raises(DataError, match="no sequence with frame numbers in maps and silhouettes"):
        find_frame_offset(*write_walks(tmp_path, walks, 0, are_named=False))


def test_different_heights_are_refused(tmp_path: Path, walks: Walks) -> None:
    low = {key: (maps, silhouettes[:, ::2]) for key, (maps, silhouettes) in walks.items()}
    with pytest.raises(ShapeError, match=r"silhouettes \(32, 64\) and maps \(64, 64\).*--size-px 64"):
        find_frame_offset(*write_walks(tmp_path, low, 0))


def test_narrow_silhouettes_are_compared_with_the_center_of_maps(tmp_path: Path, walks: Walks) -> None:
    narrow = {key: (maps, silhouettes[:, :, 10:54]) for key, (maps, silhouettes) in walks.items()}
    assert find_frame_offset(*write_walks(tmp_path, narrow, -1)).value == -1


def test_damaged_sequence_is_left_out(tmp_path: Path, walks: Walks) -> None:
    maps, _ = write_walks(tmp_path, walks, 1)
    damaged = next(key for key in walks if key.view in SIDES)
    next(maps.path.joinpath(*damaged).glob("*.pkl")).write_bytes(b"junk")
    found = find_frame_offset(open_source(maps.path, "map"), open_source(tmp_path / "silhouettes", "silhouette"))
    assert (found.value, damaged in found.votes, len(found.votes)) == (1, False, 7)


@pytest.mark.parametrize("offset", [1, "auto"])
def test_offset_needs_match_by_frame(tmp_path: Path, walks: Walks, offset: int) -> None:
    sources = write_walks(tmp_path, walks, 1)
    with pytest.raises(
        SettingsError, match=f"--frame-offset {offset}: found --on-mismatch trim, expected match-by-frame"
    ):
        pair_sequences(*sources, on_mismatch="trim", frame_offset=offset)
