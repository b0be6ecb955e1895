"""Embedder: embeddings of sequences in memory, equal to those of `skelgait embed`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from skelgait import Embedder, open_embeddings, open_pairs, open_source
from skelgait.checkpoints.checkpoint import Checkpoint, save_checkpoint
from skelgait.embeddings import InferenceOptions
from skelgait.errors import CheckpointError, DataError, SettingsError, ShapeError
from skelgait.sampling.fingerprint import how_drawn
from tests.cli.embedded import CPU, TINY
from tests.cli.test_cli import call
from tests.embeddings.networks import small_network
from tests.synthetic_data import write_dataset

DRAWING = ("--sigma-px", 5.0, "--fill", "mean")
TINY_PLUS = replace(TINY, name="skeletongait++")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with poses, maps and pairs of different lengths, checkpoints, and files written by `skelgait embed`."""
    folder = tmp_path_factory.mktemp("embedder")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_dataset(folder, people=2, repeats=1, lost=0.2)
        for arguments in (("heatmap", "--workers", 1, *DRAWING), ("link", "--on-mismatch", "trim")):
            assert call(*arguments)[0] == 0
        drawn = how_drawn(open_source(folder / "maps", "map"))
        for name, architecture in (("maps", TINY), ("pairs", TINY_PLUS)):
            weights = small_network(architecture).state_dict()
            save_checkpoint(folder / f"{name}.pt", Checkpoint(architecture, weights, 7, 2, data={"drawn": drawn}))
            flags = ("--checkpoint", f"{name}.pt", "--identities", "all", "--max-frames", 6)
            code, _, err = call("embed", *flags, "--out", f"{name}.h5", *CPU)
            assert code == 0, err
    return folder


def embedder(folder: Path, name: str = "maps", **more: Any) -> Embedder:
    return Embedder(str(folder / f"{name}.pt"), device="cpu", **{"options": InferenceOptions(max_frames=6), **more})


@pytest.mark.parametrize("embedding", [None, 1])
def test_embeddings_of_poses_maps_and_pairs_are_bit_identical_to_the_file(folder: Path, embedding: int | None) -> None:
    sources = {
        "poses": ("maps", open_source(folder / "poses", "pose")),
        "maps": ("maps", open_source(folder / "maps", "map")),
        "pairs": ("pairs", open_pairs(folder / "pairs")),
    }
    for modality, (name, source) in sources.items():
        file = open_embeddings(folder / f"{name}.h5", embedding)
        arrays = [source.read(key) for key in file.keys]
        assert len({len(array[0]) for array in arrays}) > 1
        sequences = arrays if modality == "pairs" else [array for (array,) in arrays]
        result = embedder(folder, name, embedding=embedding)(sequences)
        assert np.array_equal(result, file.values[:]), modality


def test_batch_size_changes_only_rounding(folder: Path) -> None:
    file, source = open_embeddings(folder / "maps.h5"), open_source(folder / "poses", "pose")
    options = InferenceOptions(max_frames=6, batch_size=3)
    result = embedder(folder, options=options)([source.read(key)[0] for key in file.keys])
    np.testing.assert_allclose(result, file.values[:], rtol=1e-5, atol=1e-5)


def test_single_sequence_gives_one_row(folder: Path) -> None:
    source = open_source(folder / "poses", "pose")
    (poses,) = source.read(source.keys[3])
    expected = open_embeddings(folder / "maps.h5").values[3:4]
    embed = embedder(folder)
    for form in (poses, torch.from_numpy(poses), [poses], list(poses)):
        assert np.array_equal(embed(form), expected)
    # Nested lists become float64, so that the maps may differ in rounding.
    np.testing.assert_allclose(embed(poses.tolist()), expected, rtol=1e-2, atol=1e-2)


def test_batch_array_is_a_list_of_sequences(folder: Path) -> None:
    source = open_source(folder / "poses", "pose")
    poses = [source.read(key)[0][:5] for key in source.keys[:2]]
    assert np.array_equal(embedder(folder)(np.stack(poses)), embedder(folder)(poses))


def test_defaults_draw_poses_for_checkpoints_that_tell_no_drawing(folder: Path, tmp_path: Path) -> None:
    checkpoint = Checkpoint(TINY, small_network(TINY).state_dict(), 7)
    (poses,) = open_source(folder / "poses", "pose").read(open_source(folder / "poses", "pose").keys[0])
    plain, trained = Embedder(checkpoint, device="cpu"), Embedder(folder / "maps.pt", device="cpu", embedding=1)
    assert plain.embedding == 1
    assert not np.array_equal(plain(poses), trained(poses))


def test_repr_names_network_and_device(folder: Path) -> None:
    assert repr(embedder(folder)) == "<Embedder: skeletongait, iteration 7, embedding 2, on cpu>"


POSES, MAPS = np.ones((4, 17, 3)), np.ones((4, 2, 64, 64), np.uint8)
SILHOUETTES = np.ones((4, 64, 64), np.uint8)


@pytest.mark.parametrize(
    ("name", "sequences", "error", "message"),
    [
        ("maps", [], DataError, "sequences: found an empty list"),
        ("maps", [POSES[:0]], DataError, "sequence 0: found no frames"),
        ("maps", [MAPS, MAPS[:0]], DataError, "sequence 1: found no frames"),
        (
            "maps",
            POSES[..., :2],
            ShapeError,
            r"found \(4, 17, 2\) of float64, expected poses \(T, V, 3\) or",
        ),
        ("maps", MAPS.astype(float), ShapeError, r"sequence 0: found \(4, 2, 64, 64\) of float64, expected poses"),
        ("maps", (MAPS, SILHOUETTES), ShapeError, r"expected poses \(T, V, 3\) or skeleton maps .* for skeletongait;"),
        ("maps", [MAPS, MAPS[:, :, :32]], ShapeError, "sequence 1: found frames of 32 x 64"),
        ("maps", "poses.pkl", ShapeError, "sequence 0: found"),
        ("maps", SILHOUETTES, ShapeError, r"found \(4, 64, 64\) of uint8"),
        ("maps", [SILHOUETTES, SILHOUETTES[:2]], ShapeError, "found items of different shapes"),
        ("maps", [POSES * np.nan], DataError, "sequence 0"),
        ("pairs", POSES, ShapeError, r"expected a tuple \(skeleton maps, silhouettes .* for skeletongait\+\+"),
        ("pairs", MAPS, ShapeError, "expected a tuple"),
        ("pairs", [(MAPS, SILHOUETTES), (MAPS, SILHOUETTES[:3])], ShapeError, "sequence 1: found 4 maps and 3 silh"),
        ("pairs", (SILHOUETTES, MAPS), ShapeError, "expected a tuple"),
    ],
)
def test_wrong_sequences_raise_with_index_and_expected_shape(
    folder: Path, name: str, sequences: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        embedder(folder, name)(sequences)


def test_wrong_arguments_raise(folder: Path) -> None:
    with pytest.raises(SettingsError, match="embedding: found 3, expected 1 or 2"):
        embedder(folder, embedding=3)
    with pytest.raises(CheckpointError, match=r"none\.pt"):
        Embedder(folder / "none.pt")
    checkpoint = Checkpoint(TINY, small_network(TINY).state_dict(), 7, data={"drawn": {"sigma_px": "wide"}})
    with pytest.raises(CheckpointError, match="unknown settings of the training maps"):
        Embedder(checkpoint, device="cpu")


def test_embedding_that_is_not_finite_raises(folder: Path) -> None:
    network = small_network(TINY)
    weights = {name: value * float("nan") for name, value in network.state_dict().items()}
    with pytest.raises(CheckpointError, match="sequence 0: found an embedding with NaN or infinity"):
        Embedder(Checkpoint(TINY, weights, 7), device="cpu")([MAPS])
