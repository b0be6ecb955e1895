"""Settings of embedding: which network, and how it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from skelgait.settings.base import StrictModel
from skelgait.settings.types import Count, Device, FolderPath, Processes


class WithNetwork(StrictModel):
    """What all commands share that run a trained network."""

    checkpoint: Annotated[Path, Strict(False)] | None = Field(
        None, description="The weights, skelgait or OpenGait; the run's own where not given."
    )
    iteration: Count | None = Field(None, description="The run's checkpoint to use; the newest where not given.")
    best: bool = Field(False, description="Use the checkpoint that was the best in the run's tests while training.")
    batch_size: Count = Field(1, description="Sequences that go through the network at once; changes no result.")
    max_frames: Count = Field(720, description="Frames used of a sequence; longer ones are cut and counted.")
    device: Device = Field("auto", description="Where the network runs, and where distances are computed.")
    precision: Literal["float32", "bf16", "fp16"] = Field("float32", description="Arithmetic of the network.")
    num_workers: int = Field(0, ge=0, le=1024, description="Processes that read sequences; changes no result.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")

    @field_validator("iteration")
    @classmethod
    def _one_checkpoint(cls, iteration: int | None, info: ValidationInfo) -> int | None:
        if iteration is not None and info.data.get("checkpoint") is not None:
            raise ValueError("give one of --checkpoint and --iteration")
        return iteration

    @field_validator("best")
    @classmethod
    def _the_best_is_one(cls, best: bool, info: ValidationInfo) -> bool:
        if best and (info.data.get("checkpoint") or info.data.get("iteration")):
            raise ValueError("give one of --best, --checkpoint and --iteration")
        return best


class EmbedSettings(WithNetwork):
    """Embeddings of sequences, in one file."""

    identities: Literal["test", "train", "all"] | None = Field(
        None, description="Whose sequences; those to test where a dataset or a partition is given, otherwise all."
    )
    out: FolderPath = Field(Path("embeddings.h5"), description="The file of embeddings.")
