"""What a batch is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.runtime.rng import rng_for
from skelgait.sampling.augment import augment, change_perspective, rotate
from skelgait.sampling.clips import Clips, batches
from skelgait.sampling.frames import choose_frames
from skelgait.sampling.identities import IdentityBatches
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.sampling.sequences import sequence_batches
from skelgait.storage import Key, PickleTreeWriter, open_source

LABELS = [label for label in range(6) for _ in range(label + 1)]  # identity i has i + 1 sequences


class TestFrames:
    @pytest.mark.parametrize("length", [0, 1, 7, 14, 15, 100])
    def test_ordered(self, length: int) -> None:
        starts = set()
        for seed in range(300):
            chosen = choose_frames("fixed_ordered", 12, 3, 0, rng_for(seed))(length)
            if length == 0:
                assert len(chosen) == 0
                continue
            repeats = -(-15 // length)
            # Somewhere in the sequence, repeated, lies a window that has these frames in order.
            places = np.tile(np.arange(length), repeats)
            windows = [places[start : start + 15].tolist() for start in range(len(places) - 14)]
            assert len(chosen) == 12
            assert any(_is_subsequence(chosen.tolist(), window) for window in windows)
            starts.add(int(chosen[0]))
        if length == 100:
            assert len(starts) > 70  # windows begin anywhere

    @pytest.mark.parametrize("length", [0, 1, 11, 12, 40])
    def test_unordered(self, length: int) -> None:
        chosen = choose_frames("fixed_unordered", 12, 3, 0, rng_for(0))(length)
        assert len(chosen) == (12 if length else 0)
        assert set(chosen.tolist()) <= set(range(length))
        if length >= 12:
            assert len(set(chosen.tolist())) == 12

    @pytest.mark.parametrize(("length", "n"), [(0, 0), (5, 5), (720, 720), (800, 720)])
    def test_all(self, length: int, n: int) -> None:
        np.testing.assert_array_equal(choose_frames("all_ordered", 1, 1, 720, rng_for(0))(length), np.arange(n))


def _is_subsequence(part: list[int], whole: list[int]) -> bool:
    rest = iter(whole)
    return all(frame in rest for frame in part)


class TestIdentities:
    def test_p_identities_k_sequences(self) -> None:
        for iteration in range(50):
            drawn = IdentityBatches(LABELS, 4, 3, seed=1).draw(iteration)
            assert [place for place, _ in drawn] == list(range(12))
            per_identity = Counter(LABELS[index] for _, index in drawn)
            assert list(per_identity.values()) == [3] * 4
            for identity in per_identity:
                own = [index for _, index in drawn if LABELS[index] == identity]
                assert len(set(own)) == 3 or identity < 2  # repeated only where there are fewer than 3

    def test_processes_share_one_batch(self) -> None:
        whole = IdentityBatches(LABELS, 4, 3, seed=1).draw(5)
        parts = [IdentityBatches(LABELS, 4, 3, 1, rank, 2).draw(5) for rank in range(2)]
        assert parts[0] == whole[::2]
        assert parts[1] == whole[1::2]

    def test_iterations_differ(self) -> None:
        batches_ = IdentityBatches(LABELS, 4, 3, seed=1)
        assert batches_.draw(0) != batches_.draw(1)
        assert batches_.draw(0) == batches_.draw(0)

    @pytest.mark.parametrize(
        ("p", "k", "world", "message"),
        [
            (7, 2, 1, "7 with 6 identities to train on, expected at most 6"),
            (3, 3, 2, "2 processes for batches of 3 x 3, expected a divisor of 9"),
        ],
    )
    def test_batches_that_cannot_be(self, p: int, k: int, world: int, message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            IdentityBatches(LABELS, p, k, 0, 0, world)


class TestInputs:
    @pytest.mark.parametrize(("width", "silhouette_width"), [(64, 64), (64, 44), (44, 44)])
    def test_maps_are_cut_to_the_silhouettes(self, width: int, silhouette_width: int) -> None:
        maps = np.random.default_rng(0).integers(0, 255, (3, 2, 64, width), np.uint8)
        silhouettes = np.full((3, 64, silhouette_width), 9, np.uint8)
        frames = cut_columns(stack_modalities([maps, silhouettes], "x"), "x")
        assert frames.shape == (3, 3, 64, 44)
        margin = (width - 44) // 2
        np.testing.assert_array_equal(frames[:, :2], maps[..., margin : margin + 44])

    def test_sizes_that_do_not_fit_are_named(self) -> None:
        with pytest.raises(ShapeError, match=r"x: found maps \(64, 64\) and silhouettes \(128, 88\)"):
            stack_modalities([np.zeros((1, 2, 64, 64), np.uint8), np.zeros((1, 128, 88), np.uint8)], "x")
        with pytest.raises(ShapeError, match="x: found frames of 128 x 128, expected 64 x 64 or 64 x 44"):
            cut_columns(np.zeros((1, 2, 128, 128), np.uint8), "x")


class TestAugmentation:
    frames = np.random.default_rng(0).integers(0, 255, (2, 3, 64, 64), np.uint8)

    def test_without_any_only_columns_are_cut(self) -> None:
        out = augment(self.frames, rng_for(0), perspective=0, mirror=0, rotation=0, rotation_deg=10, where="x")
        np.testing.assert_array_equal(out, self.frames[..., 10:54])

    def test_mirror(self) -> None:
        out = augment(self.frames, rng_for(0), perspective=0, mirror=1, rotation=0, rotation_deg=10, where="x")
        np.testing.assert_array_equal(out, self.frames[..., 10:54][..., ::-1])

    def test_rates_are_independent(self) -> None:
        seen: Counter[str] = Counter()
        options = {"perspective": 0.2, "mirror": 0.5, "rotation": 0.2, "rotation_deg": 10.0, "where": "x"}
        none = {"perspective": 0, "rotation": 0, "mirror": 0, "rotation_deg": 10.0, "where": "x"}
        for seed in range(1500):
            for name in ("perspective", "mirror", "rotation"):
                alone = {**none, name: options[name]}
                out = augment(self.frames[:1, :1], rng_for(seed), **alone)  # type: ignore[arg-type]
                seen[name] += bool((out != self.frames[:1, :1, :, 10:54]).any())
        assert seen["perspective"] / 1500 == pytest.approx(0.2, abs=0.04)
        assert seen["mirror"] / 1500 == pytest.approx(0.5, abs=0.04)
        assert seen["rotation"] / 1500 == pytest.approx(0.2, abs=0.04)

    def test_the_corners_of_a_perspective(self) -> None:
        marked = np.zeros((1, 1, 64, 64), np.uint8)
        marked[0, 0, 0, 4], marked[0, 0, 0, 54 + 9] = 255, 255
        # Top left at column 4 and top right at column 63 become the whole top row.
        out = change_perspective(marked, np.array([0.45, 0.0, 0.95, 0.0]))
        assert out[0, 0, 0, 0] > 128

    def test_a_quadrilateral_with_upright_sides_is_stretched_evenly(self) -> None:
        columns = np.arange(64)
        slope = np.broadcast_to((3 * columns).astype(np.uint8), (1, 1, 64, 64))
        # Left side at column 3, right side at column 54 + 5.
        out = change_perspective(slope, np.array([0.35, 0.35, 0.55, 0.55]))
        expected = 3 * (3 + (59 - 3) * columns / 64)
        assert np.abs(out[0, 0] - expected).max() < 2

    def test_rotation_is_about_the_authors_point(self) -> None:
        frames = np.zeros((1, 1, 64, 44), np.uint8)
        frames[0, 0, 22, 32] = 255  # y = W // 2, x = H // 2 stays where it is
        assert rotate(frames, 9.0)[0, 0, 22, 32] > 200
        matrix = cv2.getRotationMatrix2D((32, 22), 7.0, 1)
        expected = cv2.warpAffine(self.frames[0, 0, :, :44].copy(), matrix, (44, 64))
        np.testing.assert_array_equal(rotate(self.frames[..., :44], 7.0)[0, 0], expected)


@pytest.fixture
def maps_tree(tmp_path: Path) -> Path:
    for identity in range(4):
        for view in range(3):
            key = Key(f"{identity:03d}", "n", f"{view}")
            array = np.random.default_rng(identity * 10 + view).integers(0, 255, (9 + view, 2, 64, 64), np.uint8)
            PickleTreeWriter(tmp_path).write(key, array)
    return tmp_path


def make_clips(root: Path) -> tuple[Clips, IdentityBatches]:
    source = open_source(root, "map")
    labels = [int(key.identity) for key in source.keys]
    augmentation = {"perspective": 0.2, "mirror": 0.2, "rotation": 0.2, "rotation_deg": 10.0}
    clips = Clips(
        source, source.keys, labels, sampling="fixed_ordered", clip_len=5, skip=2, max_frames=720,
        augmentation=augmentation, seed=3,
    )  # fmt: skip
    return clips, IdentityBatches(labels, 3, 2, 3)


def test_batches_do_not_depend_on_workers(maps_tree: Path) -> None:
    clips, identities = make_clips(maps_tree)
    for first, second in zip(
        batches(clips, identities, range(3), workers=0, pin_memory=False),
        batches(clips, identities, range(3), workers=2, pin_memory=False),
        strict=True,
    ):
        assert first.frames.shape == (30, 2, 64, 44)
        assert first.lengths == [5] * 6
        assert first.frames.dtype == second.frames.dtype == torch.uint8
        assert second.frames.is_shared()  # and not sent through a pipe
        assert (first.frames == second.frames).all()
        assert (first.labels == second.labels).all()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_sequence_is_named(maps_tree: Path, workers: int) -> None:
    for path in maps_tree.rglob("*.pkl"):
        path.write_bytes(b"junk")
    clips, identities = make_clips(maps_tree)
    with pytest.raises(DataError, match=r"\.pkl: found"):
        next(batches(clips, identities, range(3), workers=workers, pin_memory=False))


def test_whole_sequences(maps_tree: Path) -> None:
    source = open_source(maps_tree, "map")
    found = list(sequence_batches(source, source.keys, [0, 2, 5], batch_size=2, max_frames=10, workers=0))
    assert [batch.labels.tolist() for batch in found] == [[0, 2], [5]]
    assert [batch.lengths for batch in found] == [[9, 10], [10]]
    np.testing.assert_array_equal(found[0].frames[:9], source.read(source.keys[0])[0][..., 10:54])
