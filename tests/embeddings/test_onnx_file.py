"""ONNX files that are damaged, hostile or of other programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from skelgait.embeddings.onnx_file import open_onnx_file, threads
from skelgait.errors import CheckpointError, DataError, SettingsError
from tests.cli.embedded import TINY
from tests.embeddings.networks import small_network
from tests.embeddings.onnx_files import facts_of, with_metadata, write_onnx

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_onnx(tmp_path_factory.mktemp("onnx") / "good.onnx", small_network(TINY), TINY)


def opened(path: Path, device: str = "cpu", precision: str = "float32") -> Any:
    return open_onnx_file(path, device, precision)


def test_metadata_gives_the_network(good: Path) -> None:
    file = opened(good, "auto")
    assert (file.facts.network, file.facts.modalities, file.facts.iteration) == ("skeletongait", ("map",), 7)


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04" + bytes(100), b"\x00" * 1000])
def test_file_that_is_not_onnx_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.onnx: found .*, expected an ONNX file of `skelgait export"):
        opened(path)


def test_truncated_and_missing_files_are_errors(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    with pytest.raises(CheckpointError, match=r"x\.onnx: found no such file"):
        opened(path)
    path.write_bytes(good.read_bytes()[:-5000])
    with pytest.raises(CheckpointError, match=r"found a (damaged file|file that onnxruntime cannot open)"):
        opened(path)


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ("no JSON", CheckpointError, "metadata that is no JSON"),
        ("[]", CheckpointError, "metadata with no entries"),
        ("[" * 10**5, CheckpointError, "metadata that is no JSON"),
        ({"format": 9}, DataError, "found format 9, of a newer skelgait"),
        ({"network": 3}, CheckpointError, "metadata with network"),
        ({"modalities": ["map", "silhouette"]}, CheckpointError, "found inputs maps tensor.uint8. of 5 axes, expected"),
        ({"modalities": ["x"]}, CheckpointError, "metadata with modalities"),
    ],
)
def test_other_metadata_is_an_error(
    good: Path, tmp_path: Path, metadata: Any, error: type[Exception], message: str
) -> None:
    if isinstance(metadata, dict):
        metadata = json.dumps({"format": 1, **facts_of(TINY).model_dump(), **metadata})
    path = tmp_path / "x.onnx"
    # The last entry of a key is the valid one.
    path.write_bytes(with_metadata(good.read_bytes(), metadata))
    with pytest.raises(error, match=message):
        opened(path)


def test_model_of_another_program_is_an_error(tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "x.onnx"
    path.write_bytes(_identity(onnx))
    with pytest.raises(CheckpointError, match="found no metadata skelgait"):
        opened(path)
    path.write_bytes(with_metadata(_identity(onnx), json.dumps({"format": 1, **facts_of(TINY).model_dump()})))
    with pytest.raises(CheckpointError, match=r"found inputs x tensor.float. of 1 axes, expected maps"):
        opened(path)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname"])
def test_data_outside_the_folder_are_refused(tmp_path: Path, location: str) -> None:
    import onnx

    (tmp_path / "secret.bin").write_bytes(bytes(64))
    path = tmp_path / "folder" / "x.onnx"
    path.parent.mkdir()
    path.write_bytes(_identity(onnx, location))
    with pytest.raises(CheckpointError, match="found weights in other files, expected"):
        opened(path)


def _identity(onnx: Any, location: str = "") -> bytes:
    """Return a model y = x, or y = x + 4 numbers in another file."""
    vectors = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in "xy"]
    if location:
        weights = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4])
        weights.data_location = onnx.TensorProto.EXTERNAL
        weights.external_data.add(key="location", value=location)
        node, initializers = onnx.helper.make_node("Add", ["x", "w"], ["y"]), [weights]
    else:
        node, initializers = onnx.helper.make_node("Identity", ["x"], ["y"]), []
    graph = onnx.helper.make_graph([node], "g", vectors[:1], vectors[1:], initializers)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("mps", "float32", "--device: found mps with .*good.onnx, expected cpu"),
        ("cuda", "float32", "pip install onnxruntime-gpu"),
        ("cpu", "bf16", "precision: found bf16 with .*good.onnx, expected float32, as exported"),
    ],
)
def test_device_or_precision_that_it_cannot_use_is_an_error(
    good: Path, device: str, precision: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        opened(good, device, precision)


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_cuda_without_its_libraries_is_refused_and_auto_takes_the_cpu(
    good: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: providers)
    with pytest.raises(SettingsError, match=r"--device: .*onnxruntime cannot start.*onnxruntime-gpu\[cuda,cudnn\]"):
        opened(good, "cuda")
    assert opened(good, "auto").device == "cpu"
    assert "cannot start" in caplog.text


def test_missing_onnxruntime_is_an_error(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(SettingsError, match=r"found no onnxruntime, .*run `pip install onnxruntime`"):
        opened(good)


def test_threads_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert threads() >= 1
