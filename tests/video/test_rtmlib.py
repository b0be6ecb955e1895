"""Adapter of rtmlib: with a stand-in, and with a small RTMO network that the test builds; skipped without rtmlib."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from skelgait.errors import DataError
from skelgait.video.backends.rtmlib import RtmlibEstimator
from skelgait.video.registry import load_estimator

BODY = np.stack([np.linspace(100, 180, 17), np.linspace(50, 400, 17)], axis=1)
SIZE = 1280, 960
# RTMO takes an image of 640 x 640.
RATIO = 0.5


def test_the_most_likely_people_are_found_in_a_bgr_image() -> None:
    seen = []

    def model(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen.append(image[0, 0].tolist())
        scores = np.stack([np.full(17, score) for score in (0.5, 1.2, 0.1, 0.8)])
        return np.stack([BODY + n for n in range(4)]), scores

    people = RtmlibEstimator(model, 2)(red_image(), 0.0)
    assert seen == [[3, 2, 200]]
    assert [person.score for person in people] == pytest.approx([1.0, 0.8])
    np.testing.assert_allclose(people[0].joints[:, :2], BODY + 1, rtol=1e-6)
    assert people[0].mask is None


def shifted(n: int) -> np.ndarray:
    """Return the joints of the n-th person."""
    return BODY + np.array([600 * n, 0])


def red_image() -> np.ndarray:
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    image[:] = 200, 2, 3
    return image


def write_rtmo(path: Path, detections: int = 2) -> Path:
    """Write a network with RTMO's input and outputs: people side by side, whose scores are the red of the image."""
    onnx = pytest.importorskip("onnx")
    node, tensor = onnx.helper.make_node, onnx.numpy_helper.from_array
    boxes = np.array([[[600 * n, 0, 600 * n + 300, 450, 0.9] for n in range(detections)]], np.float32)
    joints = np.stack([np.column_stack([shifted(n), np.ones(17)]) for n in range(detections)])[None]
    red = np.zeros((1, 1, 1, 3), np.float32)
    red[..., 2] = 1 / 255
    constants = {
        "boxes": boxes * np.float32([RATIO, RATIO, RATIO, RATIO, 1]),
        "joints": (joints * [RATIO, RATIO, 1]).astype(np.float32),
        "red": red,
        "start": np.array([0, 2, 0, 0]),
        "stop": np.array([1, 3, 1, 1]),
    }
    graph = onnx.helper.make_graph(
        [
            node("Identity", ["boxes"], ["dets"]),
            node("Slice", ["input", "start", "stop"], ["pixel"]),
            node("Mul", ["pixel", "red"], ["score"]),
            node("Add", ["score", "one_one_zero"], ["factor"]),
            node("Mul", ["joints", "factor"], ["keypoints"]),
        ],
        "rtmo",
        [onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, 640, 640])],
        [
            onnx.helper.make_tensor_value_info("dets", onnx.TensorProto.FLOAT, [1, detections, 5]),
            onnx.helper.make_tensor_value_info("keypoints", onnx.TensorProto.FLOAT, [1, detections, 17, 3]),
        ],
        [tensor(value, name) for name, value in constants.items()]
        + [tensor(np.float32([1, 1, 0]).reshape(1, 1, 1, 3), "one_one_zero")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_an_rtmo_network_runs_through_rtmlib(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rtmlib", reason="no rtmlib: pip install rtmlib")
    estimator = load_estimator("rtmlib", write_rtmo(tmp_path / "rtmo.onnx"), 4)()
    people = sorted(estimator(red_image(), 0.0), key=lambda person: person.box.left)
    assert len(people) == 2
    for n, person in enumerate(people):
        np.testing.assert_allclose(person.joints[:, :2], shifted(n), rtol=1e-5)
        np.testing.assert_allclose(person.joints[:, 2], 200 / 255, rtol=1e-5)
    assert len(load_estimator("rtmlib", tmp_path / "rtmo.onnx", 1)()(red_image(), 0.0)) == 1
    # Nobody is seen in a black image: all scores are 0.
    assert estimator(np.zeros_like(red_image()), 0.0) == []
    assert capsys.readouterr().out == ""


def test_files_that_are_no_network_are_named(tmp_path: Path) -> None:
    pytest.importorskip("rtmlib", reason="no rtmlib: pip install rtmlib")
    with pytest.raises(DataError, match=r"rtmo.onnx: found no such file, expected an RTMO network as ONNX"):
        load_estimator("rtmlib", tmp_path / "rtmo.onnx", 4)
    path = tmp_path / "text.onnx"
    path.write_text("hello")
    with pytest.raises(DataError, match=r"text.onnx: found a file that onnxruntime cannot load"):
        load_estimator("rtmlib", path, 4)


def test_models_without_a_connection_have_a_hint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rtmlib = pytest.importorskip("rtmlib", reason="no rtmlib: pip install rtmlib")

    def fail(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(rtmlib.tools.file, "urlopen", fail)
    with pytest.raises(DataError, match=r"no connection to fetch them \(no route to host\).*--model"):
        load_estimator("rtmlib", None, 4)
