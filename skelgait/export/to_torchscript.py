"""TorchScript file of a trained network, which torch.jit.load opens without skelgait."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skelgait.embeddings.onnx_file import METADATA_KEY
from skelgait.export.check import Arrays, Run
from skelgait.export.graph import ExportGraph


def torchscript_bytes(graph: ExportGraph, metadata: str, examples: tuple[Tensor, ...]) -> bytes:
    """Return the content of a TorchScript file with inputs and outputs as those of `ExportGraph`.

    Args:
        graph: network to export.
        metadata: facts about the network, see `metadata_json`; the extra file `skelgait`.
        examples: one array for each input.
    """
    buffer = io.BytesIO()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice to use torch.export, and on numbers that are recorded as they are
        traced = torch.jit.trace(graph.requires_grad_(False), examples, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, buffer, _extra_files={METADATA_KEY: metadata})
    return _without_source_positions(buffer)


def _without_source_positions(file: io.BytesIO) -> bytes:
    """Return a TorchScript file without the records that hold the paths of source files on this machine."""
    smaller = io.BytesIO()
    with ZipFile(file) as records, ZipFile(smaller, "w") as kept:
        for record in records.infolist():
            if not record.filename.endswith(".debug_pkl"):
                kept.writestr(record, records.read(record))
    return smaller.getvalue()


def open_torchscript(path: Path) -> Run:
    """Return a function that runs a TorchScript file on the CPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice to use torch.export
        script = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def run(arrays: Arrays) -> list[NDArray[np.float32]]:
        return [output.numpy() for output in script(*map(torch.from_numpy, arrays))]

    return run
