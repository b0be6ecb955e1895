"""Settings of enrollment and identification."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from skelgait.settings.embedding import WithNetwork
from skelgait.settings.types import Count, Distance, FolderPath, Fraction, Mebibytes

_File = Annotated[Path, Strict(False)]


_GALLERY = Path("gallery.h5")


class EnrollSettings(WithNetwork):
    """Settings of `skelgait enroll`."""

    gallery: FolderPath = Field(_GALLERY, description="Gallery to add to; it is created if it is missing.")
    sequence: str | None = Field(
        None, description="Sequence as identity/condition/view, if PATH holds several; default: all."
    )


class IdentifySettings(WithNetwork):
    """Settings of `skelgait identify`."""

    gallery: FolderPath = Field(
        _GALLERY, description="Gallery of the enrolled people, from `skelgait enroll` or `skelgait embed`."
    )
    top: Count = Field(5, description="Enrolled people listed per probe, nearest first.")
    distance: Distance = Field("euclidean", description="Distance between embeddings.")
    embedding: Literal[1, 2] | None = Field(
        None, description="Embedding to compare: 1 before, 2 after the batch norm neck; default: as the gallery."
    )
    threshold: float | None = Field(
        None, ge=0, description="Maximum distance of a known person; default: that of `skelgait gallery check`."
    )
    validation: _File | None = Field(None, description="Embedding file to estimate the threshold from.")
    false_accept: Fraction = Field(0.01, description="Target false accept rate of the threshold, in [0, 1].")
    memory_mb: Mebibytes = Field(512, description="Memory for distances, in MiB.")
    sequence: str | None = Field(
        None, description="Probe as identity/condition/view, if PATH holds several; default: all."
    )
    preview: bool = Field(False, description="Write each video again with skeletons and names, into previews/.")
    out: _File | None = Field(None, description="File of the ranking to write, .csv or .json.")
    watch: bool = Field(
        False, description="Name people in a folder, camera or stream as they come, until Ctrl-C; --json: a line each."
    )

    @field_validator("watch")
    @classmethod
    def _check_watch(cls, watch: bool, info: ValidationInfo) -> bool:
        out = info.data.get("out")
        others = {
            "--preview": info.data.get("preview"),
            "--sequence": info.data.get("sequence"),
            "--nproc": info.data.get("nproc", 1) > 1,
            "--out with .json, but .csv": out is not None and out.suffix == ".json",
        }
        for name, is_given in others.items():
            if watch and is_given:
                raise ValueError(f"--watch takes no {name}")
        return watch

    @field_validator("validation")
    @classmethod
    def _check_validation(cls, validation: Path | None, info: ValidationInfo) -> Path | None:
        if validation is not None and info.data.get("threshold") is not None:
            raise ValueError("pass only one of --threshold and --validation")
        return validation

    @field_validator("out")
    @classmethod
    def _check_out(cls, out: Path | None) -> Path | None:
        if out is not None and out.suffix not in (".csv", ".json"):
            raise ValueError("should end in .csv or .json")
        return out
