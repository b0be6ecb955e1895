"""Settings of evaluation."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator, model_validator

from skelgait.datasets import DATASETS, find
from skelgait.errors import SettingsError
from skelgait.settings.base import StrictModel
from skelgait.settings.types import Count, Device, Processes, Strings


class EvaluateSettings(StrictModel):
    """Recognising the test identities of a dataset under its protocol."""

    protocol: str | None = Field(None, description="The protocol; the dataset's own where not given, or custom.")
    checkpoint: Annotated[Path, Strict(False)] | None = Field(
        None, description="The weights, ours or the authors'; the run's own where not given."
    )
    iteration: Count | None = Field(None, description="The run's checkpoint to test; the newest where not given.")
    best: bool = Field(False, description="Test the checkpoint that was the best in the run's tests while training.")
    metric: Literal["euclidean", "cosine"] = Field("euclidean", description="Distance of two embeddings.")
    embedding: Literal[1, 2] | None = Field(None, description="Embedding compared; the checkpoint's where not given.")
    batch_size: Count = Field(1, description="Sequences that go through the network at once; changes no result.")
    max_frames: Count = Field(720, description="Frames used of a sequence; longer ones are cut and counted.")
    device: Device = Field("auto", description="Where the network runs.")
    precision: Literal["float32", "bf16", "fp16"] = Field("float32", description="Arithmetic of the network.")
    nproc: Processes = Field(1, ge=1, description="Processes to start on this machine.")
    gallery: Strings = Field((), description="Custom protocol: condition patterns of the gallery, such as nm-0*.")
    probes: dict[str, Strings] = Field({}, description="Custom protocol: condition patterns of each named probe group.")
    submission: Annotated[Path, Strict(False)] | None = Field(
        None, description="Where the ranking goes that GREW's server takes, as CSV."
    )

    @property
    def is_custom(self) -> bool:
        """Whether the protocol is built of patterns: it is called custom, or patterns are all that is given of it."""
        return self.protocol == "custom" or (self.protocol is None and bool(self.gallery or self.probes))

    @field_validator("protocol")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is None or name == "custom":
            return name
        try:
            return find(name).name
        except SettingsError as error:
            known = (*DATASETS, "custom")
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else "choose one of them"
            raise ValueError(f"should be one of {', '.join(known)}; {hint}") from error

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

    @model_validator(mode="after")
    def _custom_has_groups(self) -> EvaluateSettings:
        if self.is_custom and not (self.gallery and self.probes):
            raise ValueError("protocol custom needs --gallery and --probes, patterns of conditions")
        return self
