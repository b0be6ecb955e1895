"""Settings of identification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from skelgait.settings.embedding import WithNetwork
from skelgait.settings.types import Count, Distance, FolderPath, Mebibytes, Share

_File = Annotated[Path, Strict(False)]


class IdentifySettings(WithNetwork):
    """Who it is, among the people of a gallery."""

    gallery: FolderPath = Field(Path("embeddings.h5"), description="File of `skelgait embed` with the known people.")
    top: Count = Field(5, description="People listed for each probe, each by the nearest of their sequences.")
    distance: Distance = Field("euclidean", description="Distance of two embeddings.")
    embedding: Literal[1, 2] | None = Field(None, description="Embedding compared; the gallery's where not given.")
    threshold: float | None = Field(None, ge=0, description="Distance beyond which a probe is of nobody known.")
    validation: _File | None = Field(
        None, description="File of `skelgait embed` with people of whom the threshold is learned."
    )
    false_accept: Share = Field(
        0.01, description="Share of strangers that may be taken for somebody known, for --validation."
    )
    memory_mb: Mebibytes = Field(512, description="Memory that distances may take at a time, in MiB.")
    sequence: str | None = Field(None, description="identity/condition/view of the one probe wanted in a store.")
    out: _File | None = Field(None, description="File of the ranking, .csv or .json.")

    @field_validator("validation")
    @classmethod
    def _one_threshold(cls, validation: Path | None, info: ValidationInfo) -> Path | None:
        if validation is not None and info.data.get("threshold") is not None:
            raise ValueError("give one of --threshold and --validation")
        return validation

    @field_validator("out")
    @classmethod
    def _known_form(cls, out: Path | None) -> Path | None:
        if out is not None and out.suffix not in (".csv", ".json"):
            raise ValueError("should end in .csv or .json")
        return out
