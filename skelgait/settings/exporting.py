"""Settings of `skelgait export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict

from skelgait.settings.base import StrictModel

ExportFormat = Literal["onnx", "torchscript", "safetensors", "opengait"]


class ExportSettings(StrictModel):
    """Settings of `skelgait export`."""

    format: ExportFormat = Field("onnx", description="Format of the file.")
    out: Annotated[Path, Strict(False)] | None = Field(
        None, description="File to write; default: beside the checkpoint (of a hub: in the working folder)."
    )
    overwrite: bool = Field(False, description="Overwrite an existing file.")
