"""Search for weights of ONNX files in other files."""

from __future__ import annotations

from typing import Any

import onnx
import pytest

from skelgait.embeddings.onnx_external_data import has_external_data


def external() -> onnx.TensorProto:
    tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    return tensor


def internal() -> onnx.TensorProto:
    return onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [4], [1, 2, 3, 4])


def graph(tensor: onnx.TensorProto) -> onnx.GraphProto:
    return onnx.helper.make_graph([], "g", [], [], [tensor])


def model(graph: onnx.GraphProto, **parts: Any) -> bytes:
    return onnx.helper.make_model(graph, **parts).SerializeToString()


def in_node(**attribute: Any) -> onnx.GraphProto:
    return onnx.helper.make_graph([onnx.helper.make_node("If", ["x"], ["y"], **attribute)], "g", [], [])


def sparse(values: onnx.TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, dims=[9])


def in_function(tensor: onnx.TensorProto) -> onnx.FunctionProto:
    node = onnx.helper.make_node("Constant", [], ["y"], value=tensor)
    return onnx.helper.make_function("d", "f", [], ["y"], [node], [])


PLACES = {
    "initializer": lambda tensor: model(graph(tensor)),
    "sparse initializer": lambda tensor: model(onnx.GraphProto(name="g", sparse_initializer=[sparse(tensor)])),
    "attribute": lambda tensor: model(in_node(value=tensor)),
    "attribute with several": lambda tensor: model(in_node(values=[internal(), tensor])),
    "sparse attribute": lambda tensor: model(in_node(value=sparse(tensor))),
    "branch": lambda tensor: model(in_node(then_branch=in_node(then_branch=graph(tensor)))),
    "branches": lambda tensor: model(in_node(branches=[graph(internal()), graph(tensor)])),
    "function": lambda tensor: model(graph(internal()), functions=[in_function(tensor)]),
    "training": lambda tensor: onnx.ModelProto(
        training_info=[onnx.TrainingInfoProto(algorithm=graph(tensor))]
    ).SerializeToString(),
}


@pytest.mark.parametrize("place", PLACES)
def test_external_weights_are_found_wherever_they_are(place: str) -> None:
    assert has_external_data(memoryview(PLACES[place](external())))
    assert not has_external_data(memoryview(PLACES[place](internal())))


def test_location_alone_is_found() -> None:
    tensor = internal()
    tensor.external_data.add(key="location", value="w.bin")
    assert has_external_data(memoryview(model(graph(tensor))))


def test_cut_off_file_is_a_value_error_or_has_none() -> None:
    content = PLACES["branches"](internal())
    for size in range(len(content)):
        try:
            assert not has_external_data(memoryview(content[:size]))
        except ValueError:
            continue


@pytest.mark.parametrize("content", [b"\xff" * 20, b"\x0b", b"\x3a\x05a", b"\x08"])
def test_other_content_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|unknown type|more than ten bytes"):
        has_external_data(memoryview(content))
