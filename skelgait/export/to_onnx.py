"""ONNX file of a trained network."""

from __future__ import annotations

import io
import warnings
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skelgait.embeddings.onnx_file import INPUTS, METADATA_KEY, OUTPUTS
from skelgait.errors import SettingsError, reason_of
from skelgait.export.check import Run
from skelgait.export.graph import ExportGraph

# The first version in which onnxruntime reduces over axes that are inputs; read by onnxruntime 1.13 and later.
_OPSET = 17


def onnx_bytes(graph: ExportGraph, metadata: str, examples: tuple[Tensor, ...]) -> bytes:
    """Return the content of an ONNX file with inputs and outputs as those of `ExportGraph`.

    Args:
        graph: network to export.
        metadata: facts about the network, see `metadata_json`.
        examples: one array for each input.

    Raises:
        SettingsError: if the package onnx is missing, or if ONNX cannot hold the network.
    """
    onnx = _import("onnx")
    _import("onnxruntime")  # checks the file
    names = INPUTS[graph.network.modalities]
    axes = {name: {0: "sequences", 1: "frames", n - 1: "columns"} for name, n in names.items()}
    axes |= {name: {0: "sequences"} for name in OUTPUTS}
    # The exporter that records the network's operations: it needs no further package, and takes a second where the
    # newer one takes ten. Older versions of torch have no other.
    options: dict[str, Any] = {"dynamo": False} if "dynamo" in signature(torch.onnx.export).parameters else {}
    buffer: Any = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice to use the newer one, and on numbers that are recorded as they are
        try:
            torch.onnx.export(
                graph, examples, buffer, input_names=list(names), output_names=list(OUTPUTS), dynamic_axes=axes,
                opset_version=_OPSET, **options,
            )  # fmt: skip
        except Exception as error:  # the exporter raises many kinds
            name, found = type(graph.network).__name__, f"operations that ONNX cannot hold ({reason_of(error)})"
            raise SettingsError(name, found, "standard layers", "export to torchscript") from error
    model = onnx.load_from_string(buffer.getvalue())
    model.producer_name = METADATA_KEY
    # The exporter gives these sizes names, as if they varied.
    strips, _, width = graph.network.part_linear.weight.shape
    for output in model.graph.output:
        for dimension, size in zip(output.type.tensor_type.shape.dim[1:], (width, strips), strict=True):
            dimension.dim_value = size
    onnx.helper.set_model_props(model, {METADATA_KEY: metadata})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def open_onnx(path: Path) -> Run:
    """Return a function that runs an ONNX file on the CPU.

    Raises:
        SettingsError: if onnxruntime is missing.
    """
    session = _import("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    return lambda arrays: session.run(OUTPUTS, dict(zip(names, arrays, strict=True)))


def _import(package: str) -> Any:
    try:
        return import_module(package)
    except ImportError as error:
        hint = "run `pip install 'skelgait[export]'`"
        raise SettingsError("--format onnx", f"no package {package}", "onnx and onnxruntime", hint) from error
