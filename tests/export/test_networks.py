"""Exported networks: the same embeddings as the network, for any number of sequences and frames."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import skelgait
from skelgait.checkpoints.checkpoint import Checkpoint
from skelgait.errors import CheckpointError, SettingsError
from skelgait.export import check
from skelgait.models import NETWORKS, GaitNetwork, register_network
from skelgait.models.network import NetworkOutput
from skelgait.models.skeletongait import MapLayers
from skelgait.pipelines.export import export_checkpoint
from tests.export.networks import SIZES, write_checkpoint

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

FORMATS = {"onnx": "net.onnx", "torchscript": "net.torchscript.pt"}
Arrays = list[NDArray[np.uint8]]
Run = Callable[[Arrays], Sequence[NDArray[np.float32]]]


class Exported(NamedTuple):
    """Checkpoint, folder with the network in both formats, and a function that runs each of them."""

    checkpoint: Checkpoint
    folder: Path
    runs: dict[str, Run]


@pytest.fixture(scope="module", params=["skeletongait", "skeletongait++"])
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Return an exported network. Only two shapes are compared on export."""
    folder = tmp_path_factory.mktemp("export")
    checkpoint = write_checkpoint(folder / "net.pt", request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "SHAPES", ((1, 3), (2, 2)))
        for name in FORMATS:
            assert export_checkpoint(folder / "net.pt", name).errors.keys() == {(1, 3), (2, 2)}
    return Exported(checkpoint, folder, {"onnx": _onnx(folder), "torchscript": _torchscript(folder)})


def _onnx(folder: Path) -> Run:
    session = ort.InferenceSession(folder / FORMATS["onnx"])
    names = ["maps", "silhouettes"]
    return lambda arrays: session.run(["embedding_1", "embedding_2"], dict(zip(names, arrays, strict=False)))


def _torchscript(folder: Path) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.load(folder / FORMATS["torchscript"])
    return lambda arrays: [output.detach().numpy() for output in script(*map(torch.from_numpy, arrays))]


def noise(n_sequences: int, n_frames: int, columns: int, n_inputs: int) -> Arrays:
    rng = np.random.default_rng(n_frames)
    shapes = [(n_sequences, n_frames, 2, 64, columns), (n_sequences, n_frames, 64, columns)]
    return [rng.integers(0, 256, shape, np.uint8) for shape in shapes[:n_inputs]]


def expected(checkpoint: Checkpoint, arrays: Arrays) -> list[NDArray[np.float32]]:
    """Run the network on each sequence by itself."""
    network, rows = checkpoint.network(), []
    for number in range(len(arrays[0])):
        parts = [arrays[0][number], *(array[number][:, None] for array in arrays[1:])]
        cut = [part[..., 10:54] if part.shape[-1] == 64 else part for part in parts]
        frames = torch.from_numpy(np.concatenate(cut, axis=1)).float() / 255
        with torch.no_grad():
            output = network(frames, [len(frames)])
        rows.append((output.embedding[0], output.neck_embedding[0]))
    return [torch.stack(column).numpy() for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("n_sequences", "n_frames", "columns"), [(1, 1, 64), (1, 53, 44), (3, 7, 64)])
def test_embeddings_are_those_of_the_network(exported: Exported, n_sequences: int, n_frames: int, columns: int) -> None:
    arrays = noise(n_sequences, n_frames, columns, len(exported.checkpoint.network().modalities))
    right = expected(exported.checkpoint, arrays)
    for run in exported.runs.values():
        for found, values in zip(run(arrays), right, strict=True):
            assert found.shape == values.shape == (n_sequences, 7, 16)
            assert np.abs(found - values).max() <= 1e-5 * np.abs(values).max()


def test_gray_levels_and_order_of_frames_matter(exported: Exported) -> None:
    arrays, run = noise(1, 7, 64, len(exported.checkpoint.network().modalities)), exported.runs["onnx"]
    first, _ = run(arrays)
    for other in ([array // 2 for array in arrays], [array[:, [6, 0, 5, 1, 4, 2, 3]] for array in arrays]):
        assert np.abs(first - run(other)[0]).max() > 1e-3


def test_files_tell_how_maps_are_drawn_and_where_the_weights_come_from(exported: Exported) -> None:
    checkpoint, folder, _ = exported
    text = ort.InferenceSession(folder / "net.onnx").get_modelmeta().custom_metadata_map["skelgait"]
    facts = json.loads(text)
    extra = {"skelgait": ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.load(folder / "net.torchscript.pt", _extra_files=extra)
    assert json.loads(extra["skelgait"]) == facts
    sizes = {name: list(size) if isinstance(size, tuple) else size for name, size in SIZES.items()}
    assert (facts["format"], facts["network"], facts["sizes"]) == (1, checkpoint.architecture.name, sizes)
    assert (facts["iteration"], facts["test_embedding"], facts["preset"]) == (400, 2, "")
    assert facts["data"] == {"identities": 5, "drawn": {"sigma_px": 5.0, "fill": "mean"}}
    assert facts["settings"] == {"seed": 3}
    assert "anna" not in text
    assert facts["modalities"] == list(checkpoint.network().modalities)
    assert (facts["checkpoint"], len(facts["checkpoint_sha256"])) == ("net.pt", 64)
    assert "academic purposes" in facts["license_note"]


def test_onnx_file_tells_which_sizes_are_free(exported: Exported) -> None:
    session = ort.InferenceSession(exported.folder / FORMATS["onnx"])
    assert [output.shape for output in session.get_outputs()] == [["sequences", 7, 16]] * 2
    maps, *_ = session.get_inputs()
    assert maps.shape == ["sequences", "frames", 2, 64, "columns"]


def test_files_have_no_paths_of_this_machine(exported: Exported) -> None:
    folders = [str(Path(package.__file__ or "").parent).encode() for package in (skelgait, torch)]
    with ZipFile(exported.folder / FORMATS["torchscript"]) as records:
        contents = [records.read(record) for record in records.infolist()]
    for content in (*contents, (exported.folder / FORMATS["onnx"]).read_bytes()):
        assert not [folder for folder in folders if folder in content]


def test_outputs_of_torchscript_need_no_gradient(exported: Exported) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.load(exported.folder / FORMATS["torchscript"])
    arrays = noise(1, 2, 64, len(exported.checkpoint.network().modalities))
    assert not any(output.requires_grad for output in script(*map(torch.from_numpy, arrays)))


@pytest.mark.slow
def test_torchscript_runs_without_skelgait(exported: Exported, tmp_path: Path) -> None:
    checkpoint, folder, _ = exported
    arrays = noise(2, 3, 64, len(checkpoint.network().modalities))
    np.savez(tmp_path / "arrays.npz", *arrays)
    program = (
        "import sys, numpy, torch; sys.modules['skelgait'] = None\n"
        "arrays = numpy.load(sys.argv[2])\n"
        "script = torch.jit.load(sys.argv[1])\n"
        "first, _ = script(*(torch.from_numpy(arrays[name]) for name in arrays))\n"
        "numpy.save(sys.argv[3], first.detach().numpy())\n"
    )
    files = [folder / "net.torchscript.pt", tmp_path / "arrays.npz", tmp_path / "out.npy"]
    subprocess.run([sys.executable, "-c", program, *map(str, files)], check=True, cwd=tmp_path, capture_output=True)
    right = expected(checkpoint, arrays)[0]
    assert np.abs(np.load(files[2]) - right).max() <= 1e-5 * np.abs(right).max()


def test_walkers_to_compare_are_what_the_commands_draw() -> None:
    maps, silhouettes = check.walker(2, 9, ("map", "silhouette"))
    assert (maps.shape, silhouettes.shape) == ((2, 9, 2, 64, 64), (2, 9, 64, 64))
    assert maps.dtype == silhouettes.dtype == np.uint8
    assert maps.max() > 200
    assert not np.array_equal(maps[0], maps[1])
    assert not np.array_equal(maps[0, 0], maps[0, 4])


@pytest.mark.parametrize("name", FORMATS)
def test_network_that_differs_is_refused_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    monkeypatch.setattr(check, "SHAPES", ((1, 2),))
    monkeypatch.setattr("skelgait.pipelines.export.TOLERANCE", 1e-12)
    with pytest.raises(CheckpointError, match=r"found an error of .* of its embeddings, expected at most 1e-12"):
        export_checkpoint(tmp_path / "net.pt", name)
    assert [path.name for path in tmp_path.iterdir()] == ["net.pt"]


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    write_checkpoint(tmp_path / "net.pt", "skeletongait")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"no package {package}, .*pip install 'skelgait\[export\]'"):
        export_checkpoint(tmp_path / "net.pt", "onnx")


class OwnLayers(MapLayers):
    """Front layers of one's own."""

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Mirror the frames first."""
        return super().forward(frames.flip(3))


class OwnFront(GaitNetwork):
    """Network with front layers of one's own."""

    modalities = ("map",)
    front_layers = OwnLayers


class OwnForward(OwnFront):
    """Network with a forward pass of one's own."""

    def forward(self, frames: torch.Tensor, lengths: Sequence[int]) -> NetworkOutput:
        """Do the same as the base class."""
        return super().forward(frames, lengths)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SHAPES", ((1, 3), (2, 2)))
    for name, network in (("own-front", OwnFront), ("own-forward", OwnForward)):
        monkeypatch.setitem(NETWORKS, name, network)
        register_network(name, network)


def with_network(path: Path, name: str) -> Path:
    """Write a checkpoint whose settings name the network, as `skelgait train` does."""
    write_checkpoint(path, name)
    content = torch.load(path, weights_only=True)
    sizes = {key: size for key, size in SIZES.items() if key != "classes"}
    content["skelgait"]["settings"] = {"network": {"name": name, **sizes}}
    torch.save(content, path)
    return path


def test_own_front_layers_are_exported(tmp_path: Path, registry: None) -> None:
    report = export_checkpoint(with_network(tmp_path / "net.pt", "own-front"), "onnx")
    assert report.network == "own-front"
    assert max(report.errors.values()) < 1e-5


def test_own_forward_pass_is_refused(tmp_path: Path, registry: None) -> None:
    path = with_network(tmp_path / "net.pt", "own-forward")
    with pytest.raises(SettingsError, match="OwnForward: found a forward pass of its own"):
        export_checkpoint(path, "onnx")
