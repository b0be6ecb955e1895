"""Batches of clips and of whole sequences."""

from __future__ import annotations

import signal
from collections import Counter
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.data._utils import signal_handling

from skelgait.errors import DataError, SettingsError, ShapeError
from skelgait.runtime.rng import rng_for
from skelgait.sampling import batch
from skelgait.sampling.augment import augment, change_perspective, rotate
from skelgait.sampling.batch_sampler import IdentityBatchSampler
from skelgait.sampling.clips import Clips, clip_batches
from skelgait.sampling.frames import choose_frames
from skelgait.sampling.inputs import cut_columns, stack_modalities
from skelgait.sampling.sequences import sequence_batches
from skelgait.storage import Key, PickleTreeWriter, open_source

LABELS = [label for label in range(6) for _ in range(label + 1)]  # identity i has i + 1 sequences


class TestFrameSampling:
    @pytest.mark.parametrize("length", [0, 1, 7, 14, 15, 100])
    def test_fixed_ordered_draws_in_a_window(self, length: int) -> None:
        starts = set()
        for seed in range(300):
            indices = choose_frames("fixed_ordered", 12, 3, 0, rng_for(seed))(length)
            if length == 0:
                assert len(indices) == 0
                continue
            repeats = -(-15 // length)
            # Some window of the repeated sequence has these frames in order.
            repeated = np.tile(np.arange(length), repeats)
            windows = [repeated[start : start + 15].tolist() for start in range(len(repeated) - 14)]
            assert len(indices) == 12
            assert any(_is_subsequence(indices.tolist(), window) for window in windows)
            starts.add(int(indices[0]))
        if length == 100:
            assert len(starts) > 70  # windows start anywhere

    @pytest.mark.parametrize("length", [0, 1, 11, 12, 40])
    def test_fixed_unordered_repeats_only_in_short_sequences(self, length: int) -> None:
        indices = choose_frames("fixed_unordered", 12, 3, 0, rng_for(0))(length)
        assert len(indices) == (12 if length else 0)
        assert set(indices.tolist()) <= set(range(length))
        if length >= 12:
            assert len(set(indices.tolist())) == 12

    @pytest.mark.parametrize(("length", "n"), [(0, 0), (5, 5), (720, 720), (800, 720)])
    def test_all_ordered_stops_at_max_frames(self, length: int, n: int) -> None:
        np.testing.assert_array_equal(choose_frames("all_ordered", 1, 1, 720, rng_for(0))(length), np.arange(n))


def _is_subsequence(frames: list[int], window: list[int]) -> bool:
    rest = iter(window)
    return all(frame in rest for frame in frames)


class TestIdentityBatchSampler:
    def test_batch_has_p_identities_with_k_sequences(self) -> None:
        for iteration in range(50):
            drawn = IdentityBatchSampler(LABELS, 4, 3, seed=1).draw(iteration)
            assert [clip.position for clip in drawn] == list(range(12))
            per_identity = Counter(LABELS[clip.sequence] for clip in drawn)
            assert list(per_identity.values()) == [3] * 4
            for identity in per_identity:
                sequences = [clip.sequence for clip in drawn if LABELS[clip.sequence] == identity]
                assert len(set(sequences)) == 3 or identity < 2  # identities 0 and 1 have fewer than 3

    def test_processes_divide_one_batch(self) -> None:
        whole = IdentityBatchSampler(LABELS, 4, 3, seed=1).draw(5)
        shares = [IdentityBatchSampler(LABELS, 4, 3, 1, rank, 2).draw(5) for rank in range(2)]
        assert shares[0] == whole[::2]
        assert shares[1] == whole[1::2]

    def test_batch_depends_on_iteration(self) -> None:
        sampler = IdentityBatchSampler(LABELS, 4, 3, seed=1)
        assert sampler.draw(0) != sampler.draw(1)
        assert sampler.draw(0) == sampler.draw(0)

    def test_iteration_from_start_equals_draws(self) -> None:
        sampler = IdentityBatchSampler(LABELS, 4, 3, seed=1)
        sampler.start = 5
        assert list(islice(sampler, 3)) == [sampler.draw(iteration) for iteration in (5, 6, 7)]

    @pytest.mark.parametrize(
        ("p", "k", "world", "message"),
        [
            (7, 2, 1, "7 with 6 training identities, expected at most 6"),
            (3, 3, 2, "2 processes for batches of 3 x 3, expected a divisor of 9"),
        ],
    )
    def test_impossible_batch_size_is_refused(self, p: int, k: int, world: int, message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            IdentityBatchSampler(LABELS, p, k, 0, 0, world)


class TestInputs:
    @pytest.mark.parametrize(("width", "silhouette_width"), [(64, 64), (64, 44), (44, 44)])
    def test_maps_are_cut_to_the_width_of_silhouettes(self, width: int, silhouette_width: int) -> None:
        maps = np.random.default_rng(0).integers(0, 255, (3, 2, 64, width), np.uint8)
        silhouettes = np.full((3, 64, silhouette_width), 9, np.uint8)
        frames = cut_columns(stack_modalities([maps, silhouettes], "x"), "x")
        assert frames.shape == (3, 3, 64, 44)
        margin = (width - 44) // 2
        np.testing.assert_array_equal(frames[:, :2], maps[..., margin : margin + 44])

    def test_wrong_sizes_are_refused(self) -> None:
        with pytest.raises(ShapeError, match=r"x: found maps \(64, 64\) and silhouettes \(128, 88\)"):
            stack_modalities([np.zeros((1, 2, 64, 64), np.uint8), np.zeros((1, 128, 88), np.uint8)], "x")
        with pytest.raises(ShapeError, match="x: found frames of 128 x 128, expected 64 x 64 or 64 x 44"):
            cut_columns(np.zeros((1, 2, 128, 128), np.uint8), "x")


class TestAugmentation:
    frames = np.random.default_rng(0).integers(0, 255, (2, 3, 64, 64), np.uint8)

    def test_without_augmentation_only_columns_are_cut(self) -> None:
        out = augment(self.frames, rng_for(0), perspective=0, mirror=0, rotation=0, rotation_deg=10, name="x")
        np.testing.assert_array_equal(out, self.frames[..., 10:54])

    def test_mirror_reverses_columns(self) -> None:
        out = augment(self.frames, rng_for(0), perspective=0, mirror=1, rotation=0, rotation_deg=10, name="x")
        np.testing.assert_array_equal(out, self.frames[..., 10:54][..., ::-1])

    def test_probabilities_are_independent(self) -> None:
        seen: Counter[str] = Counter()
        options = {"perspective": 0.2, "mirror": 0.5, "rotation": 0.2, "rotation_deg": 10.0, "name": "x"}
        disabled = {"perspective": 0, "rotation": 0, "mirror": 0, "rotation_deg": 10.0, "name": "x"}
        for seed in range(1500):
            for name in ("perspective", "mirror", "rotation"):
                options_of_one = {**disabled, name: options[name]}
                out = augment(self.frames[:1, :1], rng_for(seed), **options_of_one)  # type: ignore[arg-type]
                seen[name] += bool((out != self.frames[:1, :1, :, 10:54]).any())
        assert seen["perspective"] / 1500 == pytest.approx(0.2, abs=0.04)
        assert seen["mirror"] / 1500 == pytest.approx(0.5, abs=0.04)
        assert seen["rotation"] / 1500 == pytest.approx(0.2, abs=0.04)

    def test_perspective_maps_corners_to_the_frame(self) -> None:
        marked = np.zeros((1, 1, 64, 64), np.uint8)
        marked[0, 0, 0, 4], marked[0, 0, 0, 54 + 9] = 255, 255
        # Top left at column 4 and top right at column 63 become the whole top row.
        out = change_perspective(marked, np.array([0.45, 0.0, 0.95, 0.0]))
        assert out[0, 0, 0, 0] > 128

    def test_perspective_with_vertical_sides_stretches_evenly(self) -> None:
        columns = np.arange(64)
        slope = np.broadcast_to((3 * columns).astype(np.uint8), (1, 1, 64, 64))
        # Left side at column 3, right side at column 54 + 5.
        out = change_perspective(slope, np.array([0.35, 0.35, 0.55, 0.55]))
        expected = 3 * (3 + (59 - 3) * columns / 64)
        assert np.abs(out[0, 0] - expected).max() < 2

    def test_rotation_center_is_that_of_opengait(self) -> None:
        frames = np.zeros((1, 1, 64, 44), np.uint8)
        frames[0, 0, 22, 32] = 255  # y = W // 2, x = H // 2 does not move
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


def make_clips(root: Path) -> tuple[Clips, IdentityBatchSampler]:
    source = open_source(root, "map")
    labels = [int(key.identity) for key in source.keys]
    augmentation = {"perspective": 0.2, "mirror": 0.2, "rotation": 0.2, "rotation_deg": 10.0}
    clips = Clips(
        source, source.keys, labels, sampling="fixed_ordered", clip_len=5, skip=2, max_frames=720,
        augmentation=augmentation, seed=3,
    )  # fmt: skip
    return clips, IdentityBatchSampler(labels, 3, 2, 3)


def test_batches_do_not_depend_on_workers(maps_tree: Path) -> None:
    clips, sampler = make_clips(maps_tree)
    for first, second in zip(
        islice(clip_batches(clips, sampler, workers=0), 3),
        islice(clip_batches(clips, sampler, workers=2), 3),
        strict=True,
    ):
        assert first.frames.shape == (30, 2, 64, 44)
        assert first.lengths == [5] * 6
        assert first.frames.dtype == second.frames.dtype == torch.uint8
        assert second.frames.is_shared()  # not sent through a pipe
        assert (first.frames == second.frames).all()
        assert (first.labels == second.labels).all()


def test_end_of_batches_is_silent_after_a_data_loader_of_the_program(
    maps_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal_handling, "_SIGCHLD_handler_set", False)
    clips, sampler = make_clips(maps_tree)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        list(DataLoader([1, 2], num_workers=1))  # sets torch's handler of ended processes
        assert signal.getsignal(signal.SIGCHLD) is not before
        for _ in range(3):
            batches = clip_batches(clips, sampler, workers=2)
            next(batches)
            batches.close()
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize("workers", [0, 1])
def test_unreadable_sequence_is_named(maps_tree: Path, workers: int) -> None:
    for path in maps_tree.rglob("*.pkl"):
        path.write_bytes(b"junk")
    clips, sampler = make_clips(maps_tree)
    with pytest.raises(DataError, match=r"\.pkl: found"):
        next(clip_batches(clips, sampler, workers=workers))


def test_whole_sequences_are_cut_to_max_frames(maps_tree: Path) -> None:
    source = open_source(maps_tree, "map")
    batches = list(sequence_batches(source, source.keys, [0, 2, 5], batch_size=2, max_frames=10, workers=0))
    assert [batch.indices for batch in batches] == [[0, 2], [5]]
    assert [batch.lengths for batch in batches] == [[9, 10], [10]]
    np.testing.assert_array_equal(batches[0].frames[:9], source.read(source.keys[0])[0][..., 10:54])


def test_workers_hide_only_connections_that_the_main_process_closed(capsys: pytest.CaptureFixture[str]) -> None:
    batch._show_error(EOFError, EOFError(), None)
    batch._show_error(ConnectionResetError, ConnectionResetError(), None)
    assert capsys.readouterr().err == ""
    batch._show_error(ValueError, ValueError("wrong"), None)
    assert "ValueError: wrong" in capsys.readouterr().err
