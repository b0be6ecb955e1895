"""Settings of commands that run a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from skelgait.settings.base import StrictModel
from skelgait.settings.types import CheckpointPath, Count, Device, FolderPath, Processes


class WithNetwork(StrictModel):
    """Settings shared by `embed`, `enroll`, `evaluate` and `identify`."""

    checkpoint: CheckpointPath | None = Field(
        None, description="Checkpoint, ONNX file, or hf://OWNER/NAME/FILE[@REVISION]; default: newest of the run."
    )
    iteration: Count | None = Field(None, description="Iteration of the run's checkpoint; default: the newest.")
    best: bool = Field(False, description="Use the checkpoint with the best evaluation during training.")
    batch_size: Count = Field(1, description="Sequences per forward pass; does not change results.")
    max_frames: Count = Field(720, description="Maximum frames per sequence; longer ones are cut and counted.")
    device: Device = Field("auto", description="Device of the network and of distances.")
    precision: Literal["float32", "bf16", "fp16"] = Field("float32", description="Precision of the network.")
    num_workers: int = Field(0, ge=0, le=1024, description="Processes that load sequences; does not change results.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")

    @field_validator("iteration")
    @classmethod
    def _check_iteration(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("checkpoint") is not None:
            raise ValueError("pass only one of --checkpoint and --iteration")
        return iteration

    @field_validator("best")
    @classmethod
    def _check_best(cls, best: bool, info: ValidationInfo) -> bool:
        if best and (info.data.get("checkpoint") or info.data.get("iteration")):
            raise ValueError("pass only one of --best, --checkpoint and --iteration")
        return best


class EmbedSettings(WithNetwork):
    """Settings of `skelgait embed`."""

    identities: Literal["test", "train", "all"] | None = Field(
        None, description="Identities to embed; default: test if a partition is known, else all."
    )
    out: FolderPath = Field(Path("embeddings.h5"), description="Embedding file to write (HDF5).")
